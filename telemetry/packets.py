"""Which reads of a Logix go into one packet (pure)."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from telemetry.learned import BORDERS_LAST_S, forget_first


@dataclass(frozen=True, slots=True)
class ReadSize:
    """What reading one Logix tag takes in bytes: in the request and in the reply."""

    request: int
    reply: int


def plan_packets(sizes: Sequence[ReadSize], limit: int) -> tuple[list[list[int]], list[int]]:
    """Indexes of reads grouped into multi-service packets, and of those too large for one.

    Neither the requests nor the replies of a group exceed `limit` bytes, the caller's count of
    what is left after the packet's own overhead. Order is kept.
    """
    groups: list[list[int]] = []
    large: list[int] = []
    request = reply = limit + 1
    for index, size in enumerate(sizes):
        if max(size.request, size.reply) > limit:
            large.append(index)
            continue
        request, reply = request + size.request, reply + size.reply
        if max(request, reply) > limit:
            groups.append([])
            request, reply = size.request, size.reply
        groups[-1].append(index)
    return groups, large


class PacketSizes:
    """How many reads a packet may hold with each of these, learned of a controller that refuses larger ones.

    A packet that was refused as a whole is asked for in halves. Until a half was given its reads are suspects;
    then they stay at the size that was given, for an hour. `now` are seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._suspects: dict[Hashable, int] = {}
        self._given: dict[Hashable, tuple[int, float]] = {}
        self._guilty: dict[Hashable, float] = {}

    def most(self, read: Hashable, now: float) -> int:
        """How many reads a packet with this one may hold; 0 for as many as there is room for."""
        if read in self._suspects:
            return self._suspects[read]
        if now < self._guilty.get(read, 0.0):
            return 1
        most, until = self._given.get(read, (0, 0.0))
        return most if now < until else 0

    def known(self, now: float) -> dict[Hashable, tuple[bool, int]]:
        """All that is known: whether a read is suspect, and how many a packet with it may hold."""
        reads = {**self._guilty, **self._given, **self._suspects}
        known = {read: (self.is_suspect(read), self.most(read, now)) for read in reads}
        return {read: each for read, each in known.items() if each[1]}

    def is_suspect(self, read: Hashable) -> bool:
        """Whether the read was refused in a larger packet, and not asked for in a smaller one since."""
        return read in self._suspects

    def refuse(self, reads: Sequence[Hashable]) -> None:
        """A packet of these was refused as a whole."""
        for read in reads:
            self._given.pop(read, None)
            self._suspects[read] = max(1, len(reads) // 2)
        forget_first(self._suspects)

    def give(self, reads: Sequence[Hashable], now: float) -> None:
        """A packet of these was given, whatever is wrong with single ones of them."""
        if not self._suspects:
            return
        for read in reads:
            if most := self._suspects.pop(read, 0):
                self._given[read] = (most, now + BORDERS_LAST_S)
        forget_first(self._given)

    def blame(self, guilty: Iterable[Hashable], now: float) -> None:
        """These spoilt their packets: they come alone from now on, and the others as if nothing had been."""
        self._suspects.clear()
        self._guilty |= dict.fromkeys(guilty, now + BORDERS_LAST_S)
        self._given.clear()
        forget_first(self._guilty)
