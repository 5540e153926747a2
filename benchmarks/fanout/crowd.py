"""The load: thousands of sockets read by one thread, which counts every event and times one in a hundred."""

import gc
import json
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.fanout.event import SENT, SENT_DIGITS
from benchmarks.fanout.wire import CLOSE, PING, PONG, TEXT, Peer, masked

_ROOM = 1 << 18
# Before the room: what is kept of a frame whose end has not come yet.
_KEPT = 1 << 20
_PARSE_EVERY = 100


@dataclass(slots=True, kw_only=True)
class Heard:
    """What arrived while the crowd listened."""

    events: int = 0
    frames: int = 0
    """Frames with events."""
    received_bytes: int = 0
    others: int = 0
    """Frames without events, such as heartbeats."""
    parsed: int = 0
    wrong: int = 0
    """Parsed frames that did not hold what was counted."""
    closed: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    last_ns: int = 0
    """When the last event came, monotonic."""


class Crowd:
    """Peers that have subscribed. A batch is counted by its length, since all events are equally long."""

    def __init__(self, peers: Sequence[Peer], event_bytes: int) -> None:
        self.peers = {peer.socket.fileno(): peer for peer in peers}
        self._event = event_bytes
        most = max(self.peers) + 1
        self._kept = [b""] * most
        self._skip = [0] * most
        self._receive: list[Callable[[memoryview], int]] = [_nothing] * most
        self._epoll = select.epoll()
        self._buffer = bytearray(_KEPT + _ROOM)
        self._room = memoryview(self._buffer)[_KEPT:]
        for fd, peer in self.peers.items():
            peer.socket.settimeout(0)
            self._receive[fd] = peer.socket.recv_into
            self._kept[fd] = peer.unread
            self._epoll.register(fd, select.EPOLLIN)

    def __len__(self) -> int:
        return len(self.peers)

    def close(self) -> None:
        """Let all connections go."""
        self._epoll.close()
        for peer in self.peers.values():
            peer.close()

    def listen(
        self,
        seconds: float,
        *,
        sample_every: int = 97,
        top_up: Callable[[int], None] | None = None,
        expected: int | None = None,
    ) -> Heard:
        """Read for so long, or until `expected` events have come; call `top_up` with the count so far."""
        heard = Heard()
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            begin, cpu = time.perf_counter(), time.process_time()
            self._listen(heard, seconds, sample_every, top_up, expected)
            heard.wall_s, heard.cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        finally:
            gc.enable()
            gc.unfreeze()
        return heard

    def _listen(  # noqa: PLR0912, PLR0915 - one loop: a call per frame would cost more than the frame
        self,
        heard: Heard,
        seconds: float,
        sample_every: int,
        top_up: Callable[[int], None] | None,
        expected: int | None,
    ) -> None:
        buffer, room, receive = self._buffer, self._room, self._receive
        kept, skip, poll, clock = self._kept, self._skip, self._epoll.poll, time.monotonic_ns
        event, comma = self._event, self._event + 1
        events = frames = received = 0
        sample_at, parse_at = sample_every, _PARSE_EVERY
        now = clock()
        ends = now + round(seconds * 1e9)
        while now < ends and (expected is None or events < expected):
            if top_up is not None:
                top_up(events)
            before = events
            for fd, _ in poll(min(0.02, (ends - now) / 1e9)):
                try:
                    got = receive[fd](room)
                except BlockingIOError:
                    continue
                except ConnectionError:
                    got = 0
                if not got:
                    self._leave(fd)
                    heard.closed += 1
                    continue
                received += got
                at, end = _KEPT, _KEPT + got
                if skip[fd]:
                    if skip[fd] >= got:
                        skip[fd] -= got
                        continue
                    at += skip[fd]
                    skip[fd] = 0
                elif kept[fd]:
                    at -= len(kept[fd])
                    buffer[at:_KEPT] = kept[fd]
                    kept[fd] = b""
                while at < end:
                    left = end - at
                    if left < 10 and (
                        left < 2 or left < (2, 4, 10)[max(0, buffer[at + 1] - 125)]
                    ):
                        kept[fd] = bytes(buffer[at:end])
                        break
                    size, payload = buffer[at + 1], at + 2
                    if size == 126:
                        size, payload = (buffer[at + 2] << 8) | buffer[at + 3], at + 4
                    elif size == 127:
                        size, payload = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
                    after = payload + size
                    if size == event:
                        count = 1
                    elif size > event and size % comma == 1:
                        count = size // comma
                    else:
                        # Not events alone: all of it must be there to be read.
                        if after > end:
                            kept[fd] = bytes(buffer[at:end])
                            break
                        count = self._read(fd, buffer[at], buffer[payload:after])
                        if not count:
                            heard.others += 1
                            at = after
                            continue
                    frames += 1
                    events += count
                    if after > end:
                        skip[fd] = after - end
                        break
                    if events >= sample_at:
                        # Of a batch the one whose turn it is, else every sample would be of a first.
                        nth = min(count - 1, max(0, count - 1 - (events - sample_at)))
                        mark = buffer.find(
                            SENT, payload + (nth * comma if count > 1 else 0), after
                        )
                        sent = int(buffer[mark + len(SENT) : mark + len(SENT) + SENT_DIGITS])
                        heard.latencies_ms.append((clock() - sent) / 1e6)
                        sample_at = events + sample_every
                        if frames >= parse_at:
                            parse_at = frames + _PARSE_EVERY
                            heard.parsed += 1
                            heard.wrong += _events_in(buffer[payload:after]) != count
                    at = after
            now = clock()
            if events != before:
                heard.last_ns = now
        heard.events, heard.frames, heard.received_bytes = events, frames, received

    def _read(self, fd: int, first: int, payload: bytearray) -> int:
        """Return the number of events in a frame of any kind; answer a ping."""
        if first == TEXT:
            return _events_in(payload)
        if first == PING:
            self.peers[fd].socket.send(masked(bytes(payload), PONG))
        elif first != CLOSE:
            raise ValueError(f"a frame that begins with {first:#x}")
        return 0

    def _leave(self, fd: int) -> None:
        self._epoll.unregister(fd)
        self.peers.pop(fd).close()


def _events_in(payload: bytes | bytearray) -> int:
    found = json.loads(payload)
    messages = found if isinstance(found, list) else [found]
    return sum("seq" in message for message in messages)


def _nothing(room: memoryview) -> int:
    raise LookupError("nobody has this number")
