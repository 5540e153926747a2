"""Connections that hear the same, as one: a log of what is due to them, and a cursor for each.

An event costs a cohort one append, however many members it has; a frame is joined once and shared by all
members that stand at the same place, which like dashboards do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from realtime.routed import Fact, Gauge

# A frame of the batch protocol holds at most so much; a longer message has a frame of its own.
FRAME_BYTES = 65_536
FRAME_MESSAGES = 256
_TRIM_AT = 256


class Signature(NamedTuple):
    """What a connection hears: events of these groups, if they are of these streams."""

    groups: frozenset[str]
    streams: frozenset[str]


class Member(Protocol):
    """A connection, as its cohort sees it."""

    def wake(self) -> None:
        """There is something to write."""

    def cut(self) -> None:
        """More waits than the limits allow: the member has been left behind."""


@dataclass(slots=True)
class Frame:
    """What is written at once: `text`, and the place after it."""

    text: str
    fact: int
    gauge: int
    messages: int
    facts: int
    overtaken: int = 0
    """Gauges that nobody at this place will see, since a newer value of the key came before."""


class Cursor:
    """The place of one member: the next fact, and the last change of a gauge that it has been given."""

    __slots__ = (
        "_ahead",
        "_overtaken",
        "_pass_end",
        "_turns",
        "cohort",
        "fact",
        "gauge",
        "member",
    )

    def __init__(self, cohort: "Cohort", member: Member) -> None:
        self.cohort = cohort
        self.member = member
        self.fact = cohort.end
        self.gauge = cohort.changes
        self._turns: list[tuple[str, str]] = []
        self._pass_end = 0
        self._overtaken = 0
        self._ahead: dict[tuple[str, str], int] = {}

    @property
    def lag(self) -> int:
        """How many messages wait for the member."""
        return self.cohort.end - self.fact + len(self.cohort.changed_after(self.gauge))

    def frame(self) -> Frame | None:
        """Take all that is due, as far as a frame may hold it."""
        if self.fact == self.cohort.end and self.gauge == self.cohort.changes:
            return None
        frame = self.cohort.frame(self.fact, self.gauge)
        self.fact, self.gauge = frame.fact, frame.gauge
        return frame

    def message(self) -> Frame | None:
        """Take the one message that is due next; a gauge in its newest value at its turn."""
        cohort = self.cohort
        if self.fact < cohort.end:
            fact = cohort.facts[self.fact - cohort.first]
            self.fact += 1
            return Frame(fact.text, self.fact, self.gauge, 1, 1)
        while True:
            if not self._turns:
                if self.gauge == cohort.changes:
                    return None
                self._turns = cohort.changed_after(self.gauge)[::-1]
                self._pass_end = cohort.changes
                self._overtaken = cohort.changes - self.gauge - len(self._turns)
            key = self._turns.pop()
            number, text = cohort.gauges[key]
            given = self._ahead.pop(key, 0) == number
            if number > self._pass_end:
                # It will be due again in the next pass, unless this is remembered.
                self._ahead[key] = number
            if not self._turns:
                self.gauge = self._pass_end
            if not given:
                overtaken, self._overtaken = self._overtaken, 0
                return Frame(text, self.fact, self.gauge, 1, 0, overtaken)

    def take_facts(self) -> list[Fact]:
        """Take all facts that are due."""
        facts = self.cohort.facts[self.fact - self.cohort.first :]
        self.fact = self.cohort.end
        return facts

    def take_gauges(self) -> list[tuple[tuple[str, str], str]]:
        """Take the newest value of each gauge that is due."""
        # In the middle of a pass some of what changed before its end has been given already.
        waiting = set(self._turns)
        due = [
            (key, text)
            for key in self.cohort.changed_after(self.gauge)
            for number, text in [self.cohort.gauges[key]]
            if self._ahead.get(key) != number
            and (not waiting or key in waiting or number > self._pass_end)
        ]
        self.gauge = self.cohort.changes
        self._turns.clear()
        self._ahead.clear()
        return due


class Cohort:
    """`touched` is called at the first event after each `wake()`; limits are those of a member."""

    __slots__ = (
        "_frames",
        "_fresh",
        "_most",
        "_most_bytes",
        "_streams",
        "_touched",
        "_trim_at",
        "_weight",
        "changes",
        "cursors",
        "end",
        "facts",
        "first",
        "gauges",
        "signature",
    )

    def __init__(
        self,
        signature: Signature,
        touched: Callable[["Cohort"], None],
        *,
        most: int,
        most_bytes: int,
    ) -> None:
        self.signature = signature
        self.cursors: set[Cursor] = set()
        self.facts: list[Fact] = []
        self.first = 0
        """The number of `facts[0]`; facts are numbered from the first one heard."""
        self.end = 0
        """The number the next fact will have."""
        self.gauges: dict[tuple[str, str], tuple[int, str]] = {}
        """The newest value of each key with the number of its change, the latest change last."""
        self.changes = 0
        """The number of the latest change of a gauge."""
        self._streams = signature.streams
        self._touched = touched
        self._fresh = 0
        self._most = most
        self._most_bytes = most_bytes
        self._weight = 0
        """Bytes of the facts that are kept."""
        self._trim_at = min(_TRIM_AT, most)
        self._frames: dict[tuple[int, int], Frame] = {}

    def join(self, member: Member) -> Cursor:
        """Give the member all that is heard from now on."""
        cursor = Cursor(self, member)
        self.cursors.add(cursor)
        return cursor

    def leave(self, cursor: Cursor) -> None:
        """Forget the member; what it has not taken is lost to it."""
        self.cursors.discard(cursor)

    def hear_fact(self, fact: Fact) -> None:
        """Take a fact of one of the groups."""
        if fact.stream in self._streams:
            self.facts.append(fact)
            self.end += 1
            self._weight += weight(fact.text)
            if not self._fresh:
                self._touched(self)
            self._fresh += 1

    def hear_gauge(self, gauge: Gauge) -> None:
        """Take the newest value of a key."""
        if gauge.stream in self._streams:
            key = (gauge.stream, gauge.key)
            self.changes += 1
            # Out and in again: the latest change stands last.
            self.gauges.pop(key, None)
            self.gauges[key] = (self.changes, gauge.text)
            if not self._fresh:
                self._touched(self)
            self._fresh += 1

    def wake(self) -> int:
        """Tell every member that something is due; return how many deliveries that makes."""
        fresh, self._fresh = self._fresh, 0
        self._frames.clear()
        if len(self.facts) >= self._trim_at or self._weight > self._most_bytes:
            self._trim()
        deliveries = fresh * len(self.cursors)
        for cursor in self.cursors:
            cursor.member.wake()
        return deliveries

    def changed_after(self, number: int) -> list[tuple[str, str]]:
        """Return the keys that changed after that change, in order."""
        keys = []
        for key in reversed(self.gauges):
            if self.gauges[key][0] <= number:
                break
            keys.append(key)
        return keys[::-1]

    def frame(self, fact: int, gauge: int) -> Frame:
        """Return what is due at that place, joined once for all who stand there."""
        frame = self._frames.get((fact, gauge))
        if frame is None:
            frame = self._frames[fact, gauge] = self._joined(fact, gauge)
        return frame

    def _joined(self, fact: int, gauge: int) -> Frame:
        texts: list[str] = []
        room = FRAME_BYTES - 2
        start = fact - self.first
        for due in self.facts[start : start + FRAME_MESSAGES]:
            room -= weight(due.text)
            if room < 0 and texts:
                break
            texts.append(due.text)
        facts = len(texts)
        overtaken = 0
        if fact + facts == self.end and room > 0:
            for key in self.changed_after(gauge):
                number, text = self.gauges[key]
                room -= weight(text)
                if texts and (room < 0 or len(texts) == FRAME_MESSAGES):
                    break
                texts.append(text)
                overtaken += number - gauge - 1
                gauge = number
        return Frame(joined(texts), fact + facts, gauge, len(texts), facts, overtaken)

    def _trim(self) -> None:
        """Forget what every member has taken, and leave behind those who take too little."""
        lowest = self.end
        for cursor in tuple(self.cursors):
            if self.end - cursor.fact > self._most or self._too_heavy(cursor):
                self.cursors.discard(cursor)
                cursor.member.cut()
            else:
                lowest = min(lowest, cursor.fact)
        gone = self.facts[: lowest - self.first]
        self._weight -= sum(weight(fact.text) for fact in gone)
        del self.facts[: len(gone)]
        self.first = lowest
        # Twice what is left, so that going through the members costs little, but never far above the limit.
        left = len(self.facts)
        self._trim_at = min(left, self._most) + min(left + _TRIM_AT, self._most)

    def _too_heavy(self, cursor: Cursor) -> bool:
        # What waits for a member is never more than what is kept, which is mostly little.
        if self._weight <= self._most_bytes:
            return False
        waiting = self.facts[cursor.fact - self.first :]
        return sum(weight(fact.text) for fact in waiting) > self._most_bytes


def weight(text: str) -> int:
    """Return the bytes of the text on the wire, with the comma after it."""
    return (len(text) if text.isascii() else len(text.encode())) + 1


def joined(texts: list[str]) -> str:
    """Return a frame of the batch protocol: one message as it is, several as an array."""
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
