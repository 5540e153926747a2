"""What one client was told, frame by frame, judged by rules of its own and not by the client's (pure).

A stretch of a stream is what the client was promised without a break: all that matches its subscriptions
after `start` up to `end`. A break must be told: by an answer to `resume`, or by a snapshot in place of one.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Wish = dict[str, str]


@dataclass(slots=True)
class Stretch:
    """`facts` are those that came: event id and time of arrival (monotonic seconds) by position."""

    start: int
    end: int
    facts: dict[int, tuple[str, float]] = field(default_factory=dict)
    fresh: bool = True
    """Whether other subscriptions that cover the stream may still be on their way."""


@dataclass(slots=True)
class Break:
    """A stretch that ended, as the client was told: `anew` where it had to subscribe again."""

    stream: str
    after: int
    to: int | None
    reason: str


@dataclass(slots=True)
class _Here:
    """What belongs to one connection."""

    covered: set[str] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)
    facts: int = 0
    resume: Message | None = None
    replayed: dict[str, int] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    confirmed: int = 0


@dataclass(slots=True)
class Witness:
    """Of one client with so many `wishes`; `forbidden` must not stand in any byte that comes."""

    wishes: int
    forbidden: str = ""
    stretches: dict[str, list[Stretch]] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Sentences on what no server may do, whatever is hurt."""
    twice: int = 0
    again: int = 0
    """Facts that a resume brought once more."""
    foreign: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    """Messages by type, `frames`, `bytes`, `connections`, `resumed`, closes as `close 1012`."""
    snapshots: dict[tuple[str, int], list[Message]] = field(default_factory=dict)
    gauges: dict[tuple[str, str], int] = field(default_factory=dict)
    epoch: str = ""
    _here: _Here = field(default_factory=_Here)

    def connected(self) -> None:
        self._here = _Here()
        self.counted["connections"] += 1

    def closed(self, code: int) -> None:
        self.counted[f"close {code}"] += 1
        self._here = _Here()

    def sent(self, message: Message) -> None:
        if message["type"] == "resume":
            self._here.resume = message

    def heard(self, at: float, text: str) -> None:
        """A frame came: a message, or an array of them."""
        self.counted["frames"] += 1
        self.counted["bytes"] += len(text)
        if self.forbidden and self.forbidden in text:
            self.foreign += 1
        content = json.loads(text)
        for message in content if isinstance(content, list) else (content,):
            self.counted[message["type"]] += 1
            self._take(at, message)

    def end_of(self, stream: str) -> int | None:
        """Return up to where the client holds the stream now; None when it has no part of it."""
        stretches = self.stretches.get(stream)
        return stretches[-1].end if stretches and stream in self._here.covered else None

    def _take(self, at: float, message: Message) -> None:  # noqa: PLR0912 - a case a message
        match message:
            case {"stream": stream, "seq": seq, "event_id": event_id}:
                self._fact(at, stream, seq, event_id)
            case {"key": key, "ver": ver, "line_id": line_id}:
                self._gauge(line_id or "plant", key, ver)
            case {"type": "connection_established", "epoch": epoch}:
                if epoch != self.epoch:
                    self.gauges.clear()
                self.epoch = epoch
            case {"type": "subscription_confirmed", "positions": positions}:
                self._confirmed(positions)
            case {"type": "snapshot"}:
                self._snapshot(message)
            case {"type": "resumed", "streams": streams, "epoch": epoch}:
                self.epoch = epoch
                self._resumed(streams)
            case {"type": "live", "positions": positions}:
                self._live(positions)
            case {"type": "heartbeat", "positions": positions, "facts_sent": sent}:
                if sent == self._here.facts:
                    self._reach(positions)
                else:
                    self.counted["short"] += 1
            case {"type": "error", "code": code}:
                self.counted[f"error {code}"] += 1
                # A resume that was refused is followed by subscriptions as at the first time.
                self._here.resume = None
            case _:
                pass

    def _fact(self, at: float, stream: str, seq: int, event_id: str) -> None:
        here = self._here
        here.facts += 1
        here.replayed[stream] = here.replayed.get(stream, 0) + 1
        if seq <= here.last.get(stream, 0):
            self.twice += 1
            self.wrong.append(f"{stream} {seq} came after {here.last[stream]}")
            return
        here.last[stream] = seq
        if stream not in here.covered:
            self.wrong.append(f"{stream} {seq} came, and nothing covers {stream}")
            return
        stretch = self.stretches[stream][-1]
        if seq in stretch.facts:
            self.again += 1
        elif seq <= stretch.start and not stretch.fresh:
            self.wrong.append(f"{stream} {seq} came after a snapshot at {stretch.start}")
        else:
            stretch.facts[seq] = (event_id, at)
        stretch.end = max(stretch.end, seq)

    def _gauge(self, stream: str, key: str, ver: int) -> None:
        self.gauges[stream, key] = max(ver, self.gauges.get((stream, key), 0))

    def _confirmed(self, positions: dict[str, int]) -> None:
        if self._here.resume is not None:
            return
        for stream, position in positions.items():
            self._begin(stream, position, "anew")
        self._here.confirmed += 1
        if self._here.confirmed == self.wishes:
            self._settle()

    def _settle(self) -> None:
        """No subscription is on its way any more: from here on all that matches is owed."""
        for stream in self._here.covered:
            self.stretches[stream][-1].fresh = False

    def _begin(self, stream: str, position: int, reason: str) -> None:
        stretches = self.stretches.setdefault(stream, [])
        if stream in self._here.covered:
            # One more subscription covers it: what matched that one before is not owed.
            if stretches[-1].fresh:
                stretches[-1].start = max(stretches[-1].start, position)
                stretches[-1].end = max(stretches[-1].end, position)
            return
        self._here.covered.add(stream)
        if stretches:
            before = stretches[-1].end
            if before == position and reason == "anew":
                return
            self.breaks.append(
                Break(stream, before, position if position > before else None, reason)
            )
        stretches.append(Stretch(position, position))

    def _snapshot(self, message: Message) -> None:
        positions: dict[str, int] = message["positions"]
        if message.get("partial"):
            for stream, position in positions.items():
                # A stream in the snapshots of two targets begins once.
                if stream in self._here.partial:
                    self._here.partial.discard(stream)
                    self._begin(stream, position, "told")
        if message["subscription_type"] == "line":
            for stream, position in positions.items():
                items = [item for item in message["items"] if item["line_id"] == stream]
                known = self.snapshots.setdefault((stream, position), items)
                if sorted(map(str, known)) != sorted(map(str, items)):
                    self.wrong.append(f"two snapshots of {stream} at {position} differ")

    def _resumed(self, streams: dict[str, Any]) -> None:
        here = self._here
        if here.resume is None:
            self.wrong.append("resumed came, and nothing had asked for it")
            return
        here.replayed.clear()
        for stream, outcome in streams.items():
            if outcome["recovered"]:
                claimed = here.resume["positions"][stream]["seq"]
                stretches = self.stretches.get(stream)
                if not stretches or claimed > stretches[-1].end:
                    self.wrong.append(f"the client claimed {stream} up to {claimed}")
                    continue
                here.covered.add(stream)
                here.announced[stream] = outcome["count"]
                stretches[-1].fresh = False
            else:
                self.counted[f"not recovered {outcome['reason']}"] += 1
                if outcome["reason"] != "forbidden":
                    here.partial.add(stream)

    def _live(self, positions: dict[str, int]) -> None:
        here = self._here
        for stream, count in here.announced.items():
            came = here.replayed.get(stream, 0)
            # Fewer than announced: some are heard by no subscription; more never.
            if came > count:
                self.wrong.append(f"{stream} replayed {came} and announced {count}")
        if here.partial:
            self.wrong.append(f"no snapshot of {sorted(here.partial)} came before live")
        here.resume = None
        self._settle()
        self._reach(positions)

    def _reach(self, positions: dict[str, int]) -> None:
        for stream, position in positions.items():
            if stream in self._here.covered:
                stretch = self.stretches[stream][-1]
                stretch.end = max(stretch.end, position)


def hears(wishes: Sequence[Wish], row: dict[str, Any]) -> bool:
    """Return whether one of the targets brings a fact of the log, by the words of the protocol alone."""
    return any(_hears(wish["subscription_type"], wish["target_id"], row) for wish in wishes)


def _hears(type_: str, target: str, row: dict[str, Any]) -> bool:
    match type_:
        case "line":
            return target in {"all", row["line_id"]}
        case "equipment":
            return bool(target == row["equipment_code"])
        case "production":
            return target in {"all", row["line_id"]} and row["type"] == "equipment_state"
        case "event":
            return bool(target == row["type"])
        case _:
            raise AssertionError(f"the fault run has no clients of {type_}")
