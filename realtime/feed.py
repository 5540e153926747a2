"""What a connection hears of the log: as one of a cohort, or held back while a snapshot is made."""

from collections.abc import Callable, Mapping
from typing import Protocol

from ms5.events.log import PLANT
from realtime.access import Access
from realtime.cohort import Cohort, Signature
from realtime.outbox import Outbox, Overflow
from realtime.protocol import CloseCode
from realtime.routed import Fact, Gauge

End = Callable[[CloseCode, str], None]


class Hearer(Protocol):
    """Who is a member of groups in the hub."""

    def hear_fact(self, fact: Fact) -> None: ...

    def hear_gauge(self, gauge: Gauge) -> None: ...


class Groups(Protocol):
    """The hub, as a feed sees it."""

    positions: dict[str, int]

    def join(self, group: str, hearer: Hearer) -> None: ...

    def leave(self, group: str, hearer: Hearer) -> None: ...

    def cohort(self, signature: Signature, *, most: int, most_bytes: int) -> Cohort: ...

    def leave_cohort(self, cohort: Cohort) -> None: ...

    def newest(self, gauge: Gauge) -> Gauge: ...


class Feed:
    """A position per stream, shared by all subscriptions of the connection: that of the hub.

    While a subscription is being made, between `hold()` and `settle()`, what arrives is kept in order, so
    that the snapshot stands between what the older subscriptions are given up to it and what all of them
    are given after it. The caller has waited until the hub's positions are at or above the snapshot's.
    """

    def __init__(
        self,
        hub: Groups,
        access: Access,
        outbox: Outbox,
        end: End,
        *,
        most: int,
        most_bytes: int,
    ) -> None:
        self.access = access
        self._hub = hub
        self._outbox = outbox
        self._end = end
        self._most = most
        self._most_bytes = most_bytes
        self._groups: set[str] = set()
        self._streams: set[str] = set()
        self._held: list[Fact | Gauge] | None = None
        self._held_in: set[str] = set()
        self._held_positions: dict[str, int] = {}

    @property
    def streams(self) -> frozenset[str]:
        """The streams of which it has a position."""
        return frozenset(self._streams)

    @property
    def facts_sent(self) -> int:
        """How many facts the client has been given, those that wait included."""
        cursor = self._outbox.cursor
        due = cursor.cohort.end - cursor.fact if cursor is not None else 0
        return self._outbox.facts + due

    def positions(self) -> dict[str, int]:
        """Return the position per stream: all that matches up to it has been sent or waits to be."""
        if self._held is not None:
            heard = self._heard()
            return {
                stream: position
                for stream, position in self._held_positions.items()
                if stream in heard
            }
        reached = self._hub.positions
        return {stream: reached.get(stream, 0) for stream in sorted(self._streams)}

    def put(self, text: str) -> None:
        """Send a text after all that waits, or end the connection of a client that does not read."""
        self._take_over()
        try:
            self._outbox.put(text)
        except Overflow:
            self.cut()

    def owe(self, texts: list[str]) -> None:
        """Send facts of a replay after all that waits."""
        self._take_over()
        self._outbox.owe(texts)
        self._outbox.facts += len(texts)

    def answer(self, text: str) -> None:
        """Send a snapshot after all that waits, however large."""
        self._take_over()
        self._outbox.owe([text])

    def show(self, gauge: Gauge) -> None:
        """Send the value of a gauge after all that waits, also if it was given before."""
        if gauge.stream in self._heard():
            self._outbox.drop_gauge((gauge.stream, gauge.key))
            self._outbox.owe([gauge.text])

    def see(self, access: Access) -> None:
        """Go on with another access: what is not seen any more falls silent at once."""
        gone = self._heard() - _visible(access)
        self._leave_cohort(heard=self._heard() - gone)
        self._outbox.drop_gauges_of(gone)
        if gone and self._outbox.has_own:
            # Nobody can tell any more which of these texts are of the lines that are gone.
            self._end(CloseCode.CONTINUITY_LOST, "a line was withdrawn while its events waited")
        self._streams &= _visible(access)
        self.access = access
        if self._held is None:
            self.settle()

    def hold(self) -> Mapping[str, int]:
        """Keep what arrives until `let_go()`; return the positions as they stand."""
        positions = self.positions()
        self._leave_cohort(heard=self._heard())
        self._held_positions, self._held = positions, []
        for group in self._groups:
            self.hold_too(group)
        return positions

    def hold_too(self, group: str) -> None:
        """Keep what arrives in a group that is not heard yet."""
        self._held_in.add(group)
        self._hub.join(group, self)

    def let_go(self, barrier: Mapping[str, int]) -> list[Fact | Gauge]:
        """Give the older subscriptions what was held up to the barrier; return what lies after it."""
        held, self._held = self._held or [], None
        after: list[Fact | Gauge] = []
        for event in held:
            position = barrier.get(event.stream)
            if position is not None and (isinstance(event, Gauge) or event.seq > position):
                after.append(event)
            elif not self._groups.isdisjoint(event.groups):
                self._give(event)
        return after

    def begin(self, group: str, barrier: Mapping[str, int]) -> None:
        """Hear the group, and the streams of the barrier, from now on."""
        self._groups.add(group)
        self._streams.update(barrier)

    def give(self, events: list[Fact | Gauge]) -> None:
        """Give what was held after the barrier."""
        for event in events:
            self._give(event)

    def settle(self) -> None:
        """Hold back no more: join those who hear the same."""
        self._held = None
        self._leave_cohort(heard=self._heard())
        signature = Signature(frozenset(self._groups), frozenset(self._heard()))
        if signature.groups:
            cohort = self._hub.cohort(signature, most=self._most, most_bytes=self._most_bytes)
            self._outbox.cursor = cohort.join(self)
        for group in self._held_in:
            self._hub.leave(group, self)
        self._held_in.clear()

    def stop(self, group: str, streams: frozenset[str]) -> None:
        """Hear the group no more, nor streams that nothing else covers."""
        held = self._held is not None
        if not held:
            self._leave_cohort(heard=self._heard())
        self._groups.discard(group)
        self._streams -= streams
        if not held:
            self.settle()
        elif group in self._held_in:
            self._held_in.discard(group)
            self._hub.leave(group, self)

    def forget(self, streams: frozenset[str]) -> None:
        """Have no position of these streams any more; only while it holds."""
        self._streams -= streams

    def close(self) -> None:
        """Hear nothing any more."""
        self._leave_cohort(heard=frozenset())
        for group in self._held_in:
            self._hub.leave(group, self)
        self._held_in.clear()
        self._groups.clear()
        self._streams.clear()

    # As a member of groups, while it holds

    def hear_fact(self, fact: Fact) -> None:
        self._hold(fact)

    def hear_gauge(self, gauge: Gauge) -> None:
        self._hold(gauge)

    # As a member of a cohort

    def wake(self) -> None:
        self._outbox.wake()

    def cut(self) -> None:
        cursor, self._outbox.cursor = self._outbox.cursor, None
        if cursor is not None:
            cursor.cohort.leave(cursor)
            self._hub.leave_cohort(cursor.cohort)
        self._end(CloseCode.TOO_SLOW, "the client reads too slowly")

    def _hold(self, event: Fact | Gauge) -> None:
        if self._held is None:
            return  # a gauge that the snapshot brought to everybody, and is about to show here
        if len(self._held) >= self._most:
            self._end(CloseCode.TRY_LATER, "a snapshot takes too long")
        else:
            self._held.append(event)

    def _give(self, event: Fact | Gauge) -> None:
        if event.stream not in self._heard():
            return
        match event:
            case Fact():
                self._put_facts([event.text])
            case Gauge():
                self._outbox.put_gauge((event.stream, event.key), event.text)

    def _put_facts(self, texts: list[str]) -> None:
        try:
            self._outbox.put_facts(texts)
        except Overflow:
            self.cut()

    def _heard(self) -> frozenset[str]:
        return _visible(self.access) & self._streams

    def _take_over(self) -> None:
        """Put what the cohort has for us before what is said next, so that the order is one."""
        cursor = self._outbox.cursor
        if cursor is None:
            return
        if facts := cursor.take_facts():
            self._put_facts([fact.text for fact in facts])

    def _leave_cohort(self, *, heard: frozenset[str]) -> None:
        cursor, self._outbox.cursor = self._outbox.cursor, None
        if cursor is None:
            return
        self._put_facts([fact.text for fact in cursor.take_facts() if fact.stream in heard])
        for key, text in cursor.take_gauges():
            if key[0] in heard:
                self._outbox.put_gauge(key, text)
        cursor.cohort.leave(cursor)
        self._hub.leave_cohort(cursor.cohort)


def _visible(access: Access) -> frozenset[str]:
    return access.lines | {PLANT}
