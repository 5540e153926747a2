"""The rules of a client that is never silently incomplete: subscribe, resume, check, come back (pure)."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.live.backoff import Next, after_close, back_off
from tests.live.outputs import (
    Apply,
    Connect,
    Drop,
    Ended,
    Lost,
    Message,
    Output,
    Rewind,
    Send,
    is_whole,
)
from tests.live.points import Point, Points
from tests.live.requests import WISHES_PER_MESSAGE, Request, Requests, Wish

SILENCE_MS = 12_000
PROBE_MS = 3_000
# If a server does not say: facts that it replays, bytes of a frame, streams that a resume may name.
RESUME_EVENTS = 2_000
FRAME_BYTES = 16_384
POSITIONS = 64


class Status(StrEnum):
    """What a person is told of the connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Gap:
    """History that did not come. `to` is None where the range means nothing."""

    stream: str
    after: int
    to: int | None
    reason: str


class Rules:
    """Told what happens and when (ms of any clock that only rises), it returns what to do, in order.

    `deadline` is the moment at which `tick` must be called, if nothing happens before.
    """

    def __init__(
        self, subscriptions: Sequence[Wish], random: Callable[[], float], now: float = 0
    ) -> None:
        self._wishes = list(subscriptions)
        self._random = random
        self._requests = Requests(random)
        self._points = Points()
        self._before: dict[str, Point] = {}
        self._settled: list[Wish] = []
        self._received: Counter[str] = Counter()
        self._replayed: dict[str, int] = {}
        self._last_id = 0
        self._refused = 0
        self._here: str | None = None
        self._far: float = RESUME_EVENTS / 2
        self._frame_bytes = FRAME_BYTES
        self._most_positions = POSITIONS
        self._silent_at: float | None = None
        self._retry_at: float | None = None
        self.open = False
        self.attempt = 0
        self.status = Status.CONNECTING
        self.epoch: str | None = None
        self.known_at = now
        self.gaps: list[Gap] = []
        self.duplicates = 0
        self.resumes = 0
        self.incomplete = 0

    @property
    def positions(self) -> dict[str, dict[str, Any]]:
        """How far each stream was applied, as `resume` would say it now."""
        return self._points.public()

    @property
    def deadline(self) -> float | None:
        """When `tick` is due; None when there is nothing to wait for."""
        later = [later.at_ms for later in self._requests.later]
        due = [at for at in (self._silent_at, self._retry_at, *later) if at is not None]
        return min(due, default=None)

    def start(self, now: float) -> list[Output]:
        """Begin."""
        return self._connect(now)

    def opened(self, now: float) -> list[Output]:
        """The socket is open: go on where it was left, or begin."""
        self.open = True
        self._silent_at = now + SILENCE_MS
        if self.epoch is not None and self._points.applied and self._settled:
            resume = self._resume(Request("resume", list(self._settled)))
            if resume is not None:
                new = [wish for wish in self._wishes if wish not in self._settled]
                return [resume, *self._subscribe(new)]
        return self._anew()

    def heard(self, now: float, text: str) -> list[Output]:
        """A text frame came: one message, or an array of them."""
        self._silent_at = now + SILENCE_MS
        content = json.loads(text)
        outputs: list[Output] = []
        for message in content if isinstance(content, list) else [content]:
            outputs += self._take(now, message)
            if not self.open:
                break
        if self.status is Status.LIVE:
            self.known_at = now
        return outputs

    def closed(self, now: float, code: int) -> list[Output]:
        """The socket was closed, or could not be opened (1006)."""
        self._refused = self._refused + 1 if code == 4408 else self._refused
        return self._come_back(now, after_close(code, self._refused))

    def tick(self, now: float) -> list[Output]:
        """The deadline has come."""
        if self._retry_at is not None and now >= self._retry_at:
            return self._connect(now)
        if self._silent_at is not None and now >= self._silent_at:
            return [Drop(), *self._come_back(now, after_close(1006))]
        outputs: list[Output] = []
        for request in self._requests.due(now):
            outputs += self._again(request)
        return outputs

    def woke(self, now: float) -> list[Output]:
        """The machine slept, or the network is back: prove the connection, or make a new one."""
        if self.open:
            self._silent_at = now + PROBE_MS
            return [Send({"type": "ping", "t": "wake"})]
        return self._connect(now) if self._retry_at is not None else []

    def stop(self) -> list[Output]:
        """Leave for good."""
        self.open = False
        self._silent_at = self._retry_at = None
        self._requests.clear()
        self.status = Status.ENDED
        return [Drop()]

    def _connect(self, now: float) -> list[Output]:
        self._retry_at = None
        self._silent_at = now + SILENCE_MS
        return [Connect()]

    def _come_back(self, now: float, then: Next) -> list[Output]:
        self.open = False
        self._silent_at = None
        self._requests.clear()
        self._received.clear()
        self._here = None
        if then.action != "reconnect":
            self._retry_at = None
            self.status = Status.ENDED
            return [Ended(then.action, then.message)]
        delay = then.least_ms + back_off(self.attempt, self._random)
        self.attempt += 1
        self._retry_at = now + delay
        self.status = Status.LOST
        return [Lost(then.message, delay)]

    def _take(self, now: float, message: Message) -> list[Output]:
        match message:
            case {"type": "connection_established", "epoch": epoch, "limits": limits}:
                self._here = epoch
                self._far = (limits["resume_events"] or RESUME_EVENTS) / 2
                self._frame_bytes = limits["frame_bytes"]
                self._most_positions = limits.get("positions", POSITIONS)
                self.epoch = self.epoch or epoch
                self.status = Status.CONNECTING
                self._settle_down()
            case {"type": "snapshot", "positions": positions}:
                self._snapshot(message, positions)
            case {"type": "resumed", "epoch": epoch, "streams": streams}:
                self._resumed(message.get("id"), epoch, streams)
            case {"type": "live"}:
                if not self._replay_is_whole():
                    return self._begin_again(now)
                self._requests.open.pop(message.get("id", 0), None)
                self._settle_down()
            case {"type": "heartbeat", "positions": positions, "facts_sent": facts_sent}:
                if facts_sent != self._received.total():
                    return self._begin_again(now)
                # Only a heartbeat shows that the server means to keep us: one that accepts and closes
                # is not pestered.
                self.attempt = self._refused = 0
                if not self._requests.resuming:
                    self._points.heartbeat(positions, self._far)
            case {"type": "error"}:
                return [Apply(message), *self._error(now, message)]
            case {"stream": stream, "seq": seq, "event_id": event_id}:
                self._received[stream] += 1
                if not self._points.fact(stream, seq, event_id):
                    self.duplicates += 1
                    return []
        return [Apply(message)]

    def _snapshot(self, message: Message, positions: dict[str, int]) -> None:
        self._points.snapshot(positions)
        if is_whole(message):
            self._points.keep_only(positions)
        for stream, seq in positions.items():
            before = self._before.pop(stream, None)
            if before is not None and before.seq != seq:
                to = seq if seq > before.seq else None
                self.gaps.append(Gap(stream, before.seq, to, "anew"))
        request = self._requests.open.get(message.get("id", 0))
        if request is not None and request.kind == "subscribe":
            self._settled.append(request.wishes.pop(0))
            self._settle_down()

    def _resumed(self, id_: int | None, epoch: str, streams: dict[str, Any]) -> None:
        request = self._requests.open.get(id_ or 0)
        if request is not None:
            request.resumed = True
        self.epoch = epoch
        self.resumes += 1
        self._replayed = {}
        for stream, outcome in streams.items():
            if outcome["recovered"]:
                self._replayed[stream] = outcome["count"]
                continue
            known = self._points.applied.get(stream)
            self._points.forget(stream)
            # What was never held is not missing: its snapshot is the beginning.
            if known is not None:
                missing = outcome["missing"] or {"after": known.seq, "to": None}
                gap = Gap(stream, missing["after"], missing["to"], outcome["reason"])
                self.gaps.append(gap)

    def _replay_is_whole(self) -> bool:
        return all(self._received[stream] >= count for stream, count in self._replayed.items())

    def _begin_again(self, now: float) -> list[Output]:
        """Something was sent that never came: take back what is not proven, and have it sent again."""
        self.incomplete += 1
        back = Rewind(self._points.rewind())
        return [back, Drop(), *self._come_back(now, after_close(1006))]

    def _error(self, now: float, error: Message) -> list[Output]:
        found = self._requests.refused(error)
        if found is None:
            self._revoked(error)
            return []
        id_, request = found
        if request.resumed:
            self._revoked(error)
            return []
        failed = list(request.wishes)
        if request.kind == "subscribe" and "subscription_type" in error:
            failed = [request.wishes.pop(0)]
        else:
            request.wishes = []
        if not request.wishes:
            del self._requests.open[id_]
        again = Request(request.kind, failed, request.tries)
        if error["retryable"]:
            if self._requests.put_off(again, now, error.get("retry_after_ms", 0)):
                return []
            return [Drop(), *self._come_back(now, after_close(1006))]
        if request.kind == "resume":
            return self._anew()
        self._settle_down()
        return []

    def _revoked(self, error: Message) -> None:
        gone = {key: error.get(key) for key in ("subscription_type", "target_id")}
        self._settled = [wish for wish in self._settled if wish != gone]

    def _again(self, request: Request) -> list[Output]:
        if request.kind == "subscribe":
            return self._subscribe(request.wishes, request.tries)
        resume = self._resume(request)
        return self._anew() if resume is None else [resume]

    def _resume(self, request: Request) -> Send | None:
        """Return the message, or None if it were larger than the server takes."""
        message = {
            "type": "resume",
            "id": self._last_id + 1,
            "epoch": self.epoch,
            "positions": self._points.public(),
            "subscriptions": request.wishes,
        }
        size = len(json.dumps(message, separators=(",", ":")))
        if size > self._frame_bytes or len(self._points.applied) > self._most_positions:
            return None
        self._last_id += 1
        self._requests.open[self._last_id] = request
        return Send(message)

    def _anew(self) -> list[Output]:
        """Subscribe from a snapshot on; where a position is passed over by it, that is a gap."""
        self._before |= self._points.applied
        self._points.forget_all()
        self._settled = []
        self.epoch = self._here
        return self._subscribe(self._wishes)

    def _subscribe(self, wishes: Sequence[Wish], tries: int = 0) -> list[Output]:
        outputs: list[Output] = []
        for start in range(0, len(wishes), WISHES_PER_MESSAGE):
            some = list(wishes[start : start + WISHES_PER_MESSAGE])
            self._last_id += 1
            self._requests.open[self._last_id] = Request("subscribe", some, tries)
            fields = {"type": "subscribe", "id": self._last_id, "subscriptions": list(some)}
            outputs.append(Send(fields))
        return outputs

    def _settle_down(self) -> None:
        """Be live once everything that was asked for is here."""
        for id_, request in tuple(self._requests.open.items()):
            if not request.wishes:
                del self._requests.open[id_]
        if self._requests.done:
            self.status = Status.LIVE
