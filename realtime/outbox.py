"""What waits to be sent on a connection, and the one writer that sends it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping, Sequence
from typing import Any

from realtime.cohort import FRAME_BYTES, FRAME_MESSAGES, Cursor, Frame, joined, weight

WriteNow = Callable[[str], bool]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# After so many frames in a row the others get their turn: a send that need not wait does not give way.
_FRAMES_IN_A_ROW = 32


class Overflow(Exception):
    """More waits than a client may leave unread."""


class Gone(Exception):
    """The server could not send: the client has left."""


class Outbox:
    """The connection's own messages in order, then what its cohort has for it.

    What is this connection's alone (answers, snapshots, heartbeats) waits here; what it hears together with
    others waits in the cohort, where the connection is a cursor. Texts are shared, never copied.
    """

    def __init__(
        self,
        send: Send,
        *,
        most: int,
        most_bytes: int,
        batch: bool = False,
        write_now: WriteNow | None = None,
    ) -> None:
        self._send = send
        self._write_now = write_now
        self._idle = False
        self._refused: Frame | None = None
        self._most = self._ceiling = most
        self._most_bytes = self._byte_ceiling = most_bytes
        self._batch = batch
        self._messages: deque[str] = deque()
        self._message_bytes = 0
        self._gauges: dict[tuple[str, str], str] = {}
        self._due = asyncio.Event()
        self.cursor: Cursor | None = None
        self.sent = 0
        """Messages, of which a frame may hold several."""
        self.frames = 0
        self.sent_bytes = 0
        self.facts = 0
        """Facts taken to be sent."""
        self.coalesced = 0

    @property
    def waiting(self) -> int:
        """How many messages wait for the client to read."""
        lag = self.cursor.lag if self.cursor is not None else 0
        return len(self._messages) + len(self._gauges) + lag

    @property
    def owes(self) -> bool:
        """Whether more waits than a client may leave unread, of answers to what it asked."""
        return len(self._messages) > self._most or self._message_bytes > self._most_bytes

    @property
    def has_own(self) -> bool:
        """Whether messages wait that are this connection's alone."""
        return bool(self._messages) or self._refused is not None

    def wake(self) -> None:
        """Look for what is due in the cohort.

        Where the server takes a text at once, and the writer has nothing else to do, it need not be woken:
        that costs as much as the sending.
        """
        if self._write_now is None or not self._idle or self._messages or self._gauges:
            self._due.set()
            return
        for _ in range(_FRAMES_IN_A_ROW):
            if self._refused is not None or (frame := self._next()) is None:
                return
            if self._write_now(frame.text):
                self._count(frame)
            else:
                self._refused = frame
                break
        self._due.set()

    def put(self, text: str) -> None:
        """Send this after all that waits. Raises Overflow."""
        full = len(self._messages) >= self._ceiling
        if full or self._message_bytes + weight(text) > self._byte_ceiling:
            raise Overflow
        self._messages.append(text)
        self._message_bytes += weight(text)
        self._due.set()

    def put_facts(self, texts: Iterable[str]) -> None:
        """Send these facts after all that waits. Raises Overflow."""
        for text in texts:
            self.put(text)
            self.facts += 1

    def owe(self, texts: Sequence[str]) -> None:
        """Send these after all that waits, however many: they are an answer, and bounded elsewhere.

        The limits stand above them until the client has read all that waited.
        """
        added = sum(map(weight, texts))
        self._messages.extend(texts)
        self._message_bytes += added
        self._ceiling += len(texts)
        self._byte_ceiling += added
        self._due.set()

    def put_gauge(self, key: tuple[str, str], text: str) -> None:
        """Send this value of the key, unless a newer one comes before its turn."""
        self.coalesced += key in self._gauges
        self._gauges[key] = text
        self._due.set()

    def drop_gauges_of(self, streams: Collection[str]) -> None:
        """Forget the values that wait of these streams."""
        for key in [key for key in self._gauges if key[0] in streams]:
            del self._gauges[key]

    def drop_gauge(self, key: tuple[str, str]) -> None:
        """Forget a value that waits, since a newer one goes out before its turn."""
        self.coalesced += self._gauges.pop(key, None) is not None

    async def write(self) -> None:
        """Send what is due, for ever. Raises Gone."""
        row = 0
        while True:
            frame = self._next()
            if frame is None:
                self._ceiling, self._byte_ceiling = self._most, self._most_bytes
                row = 0
                self._due.clear()
                self._idle = True
                await self._due.wait()
                self._idle = False
                continue
            await self._write(frame)
            row += 1
            if row % _FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)

    def _next(self) -> Frame | None:
        refused, self._refused = self._refused, None
        if refused is not None:
            return refused
        if self._messages:
            return self._own_messages()
        if self._gauges:
            # The oldest first; a dictionary gives its last item cheaply, its first one too.
            key = next(iter(self._gauges))
            return Frame(self._gauges.pop(key), 0, 0, 1, 0)
        if self.cursor is None:
            return None
        frame = self.cursor.frame() if self._batch else self.cursor.message()
        if frame is not None:
            self.facts += frame.facts
            self.coalesced += frame.overtaken
        return frame

    def _own_messages(self) -> Frame:
        texts = [self._messages.popleft()]
        room = FRAME_BYTES - 2 - weight(texts[0])
        while (
            self._batch
            and self._messages
            and len(texts) < FRAME_MESSAGES
            and (room := room - weight(self._messages[0])) >= 0
        ):
            texts.append(self._messages.popleft())
        self._message_bytes -= sum(map(weight, texts))
        return Frame(joined(texts), 0, 0, len(texts), 0)

    async def _write(self, frame: Frame) -> None:
        try:
            await self._send({"type": "websocket.send", "text": frame.text})
        except Exception as failure:  # every server has its own way to say so
            raise Gone from failure
        self._count(frame)

    def _count(self, frame: Frame) -> None:
        self.sent += frame.messages
        self.frames += 1
        self.sent_bytes += len(frame.text)
