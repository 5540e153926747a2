"""A connection's cursor: what of the log it is given, from where on, and the barrier of a snapshot."""

from collections.abc import Callable, Mapping

from realtime.access import Access
from realtime.outbox import Outbox, Overflow
from realtime.protocol import CloseCode
from realtime.routed import Fact, Gauge

End = Callable[[CloseCode, str], None]


class Feed:
    """A position per stream, shared by all subscriptions of the connection.

    `_base` holds the position of the newest snapshot per stream: what lies at or below it is not given
    again, and of a stream that is not in it nothing is given. While a subscription is being made `_held`
    keeps what arrives, so that the snapshot stands between what the older subscriptions are given up to
    it and what all of them are given after it. `reached` is the hub's position per stream.
    """

    def __init__(
        self, access: Access, reached: Mapping[str, int], outbox: Outbox, end: End, *, most: int
    ) -> None:
        self.access = access
        self.facts_sent = 0
        self._reached = reached
        self._outbox = outbox
        self._end = end
        self._most = most
        self._active: set[str] = set()
        self._base: dict[str, int] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self._held: list[Fact | Gauge] | None = None
        self._held_positions: dict[str, int] = {}

    @property
    def streams(self) -> frozenset[str]:
        """The streams of which it has a position."""
        return frozenset(self._base)

    def positions(self) -> dict[str, int]:
        """Return the position per stream: all that matches up to it has been sent or waits to be."""
        if self._held is not None:
            return dict(self._held_positions)
        return {
            stream: max(base, self._reached.get(stream, 0))
            for stream, base in sorted(self._base.items())
        }

    def hear_fact(self, fact: Fact) -> None:
        """Take a fact that one of the connection's groups brought."""
        if self._held is not None:
            self._hold(fact)
        elif fact.seq > self._base.get(fact.stream, fact.seq) and self.access.sees(
            fact.line_id
        ):
            self.facts_sent += 1
            self.put(fact.text)

    def hear_gauge(self, gauge: Gauge) -> None:
        """Take the newest value of a key; an older one than was given changes nothing."""
        if self._held is not None:
            self._hold(gauge)
        elif gauge.ver > self._versions.get((gauge.stream, gauge.key), 0):
            self.show(gauge)

    def show(self, gauge: Gauge) -> None:
        """Give a gauge, also if it was given before."""
        if gauge.stream in self._base and self.access.sees(gauge.line_id):
            key = (gauge.stream, gauge.key)
            self._versions[key] = gauge.ver
            self._outbox.put_gauge(key, gauge.text)

    def put(self, text: str) -> None:
        """Send a text after all that waits, or end the connection of a client that does not read."""
        try:
            self._outbox.put(text)
        except Overflow:
            self._end(CloseCode.TOO_SLOW, "the client reads too slowly")

    def hold(self) -> Mapping[str, int]:
        """Keep what arrives until `let_go()`; return the positions as they stand."""
        self._held_positions = self.positions()
        self._held = []
        return self._held_positions

    def let_go(self, barrier: Mapping[str, int]) -> list[Fact | Gauge]:
        """Give the older subscriptions what was held up to the barrier; return what lies after it."""
        held, self._held = self._held or [], None
        after: list[Fact | Gauge] = []
        for event in held:
            position = barrier.get(event.stream)
            if position is not None and (isinstance(event, Gauge) or event.seq > position):
                after.append(event)
            elif not self._active.isdisjoint(event.groups):
                self._take(event)
        return after

    def begin(self, group: str, barrier: Mapping[str, int]) -> None:
        """Hear the group from the barrier on."""
        self._active.add(group)
        for stream, position in barrier.items():
            self._base[stream] = max(position, self._base.get(stream, 0))

    def give(self, events: list[Fact | Gauge]) -> None:
        """Give what was held after the barrier."""
        for event in events:
            self._take(event)

    def stop(self, group: str, streams: frozenset[str]) -> None:
        """Hear the group no more, nor streams that nothing else covers."""
        self._active.discard(group)
        self.forget(streams)

    def forget(self, streams: frozenset[str]) -> None:
        """Fall silent on these streams."""
        for stream in streams:
            self._base.pop(stream, None)

    def _take(self, event: Fact | Gauge) -> None:
        match event:
            case Fact():
                self.hear_fact(event)
            case Gauge():
                self.hear_gauge(event)

    def _hold(self, event: Fact | Gauge) -> None:
        if self._held is None or len(self._held) >= self._most:
            self._end(CloseCode.TRY_LATER, "a snapshot takes too long")
        else:
            self._held.append(event)
