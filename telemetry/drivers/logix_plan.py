"""Which packets a poll of a Logix takes: worked out once, and anew for other tags or when more is known."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.drivers.base import TagSpec
from telemetry.drivers.cip import READ_TAG, pack_requests
from telemetry.drivers.logix_reads import Read, addressed, read_of
from telemetry.learned import Learned, extent
from telemetry.packets import PacketSizes, plan_packets
from telemetry.plan import Block, LogixLimits, Point, located, plan_blocks

PLANS = 8
"""How many sets of tags are remembered: the poll classes of a controller, and those due together."""


class Group:
    """Reads that go into one packet; one by itself may come without."""

    def __init__(self, reads: Sequence[Read]) -> None:
        self.reads = reads
        self.extents = [extent(read.block) for read in reads]
        self._packed: dict[bytes, tuple[bytes, list[int]]] = {}

    def packed(self, last: bytes) -> tuple[bytes, list[int]]:
        """The data of the packet, with another request at its end if there is one, and the services in it."""
        if last not in self._packed:
            requests = [read.request for read in self.reads] + [last] * bool(last)
            services = [READ_TAG] * len(self.reads) + list(last[:1])
            self._packed[last] = pack_requests(requests), services
        return self._packed[last]


@dataclass(frozen=True, slots=True)
class Packets:
    """Reads by packets, those that are suspected last, and those that are too large for one."""

    groups: list[Group]
    large: list[Group]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for some tags when all is well; `wrong` are those that lie nowhere, by place, and why."""

    blocks: list[Block]
    packets: Packets
    wrong: list[tuple[int, str]]


class Planner:
    """The plans of a connection. Used by one thread at a time."""

    def __init__(self, learned: Learned, sizes: PacketSizes) -> None:
        self._learned, self._sizes = learned, sizes
        self._plans: list[tuple[object, Plan]] = []

    def plan(
        self, specs: Sequence[TagSpec], limits: LogixLimits, now: float, *, is_alone: bool
    ) -> Plan:
        """The plan for these tags, the same as last time if nothing that it depends on has changed."""
        borders = self._learned.borders(now)
        basis = (tuple(specs), limits, borders, self._sizes.known(now), is_alone)
        for known, plan in self._plans:
            if known == basis:
                return plan
        points, wrong = located(specs, _point)
        blocks = plan_blocks(points, limits, borders)
        plan = Plan(blocks, self.packets(blocks, specs, limits, now, is_alone=is_alone), wrong)
        self._plans = [(basis, plan), *self._plans[: PLANS - 1]]
        return plan

    def packets(
        self,
        blocks: Iterable[Block],
        specs: Sequence[TagSpec],
        limits: LogixLimits,
        now: float,
        *,
        is_alone: bool,
    ) -> Packets:
        """The requests for these blocks; `is_alone` when the controller takes one service at a time."""
        by_most: dict[tuple[bool, int], list[Read]] = defaultdict(list)
        for block in blocks:
            place = extent(block)
            most = 1 if is_alone else self._sizes.most(place, now)
            by_most[self._sizes.is_suspect(place), most].append(read_of(block, limits, specs))
        groups: list[Group] = []
        large: list[Group] = []
        for (_, most), some in sorted(by_most.items()):
            packets, rest = plan_packets([read.size for read in some], limits.room)
            large += [Group([some[index]]) for index in rest]
            for packet in packets:
                step = most or len(packet)
                groups += [
                    Group([some[index] for index in packet[at : at + step]])
                    for at in range(0, len(packet), step)
                ]
        return Packets(groups, large)


def _point(key: int, spec: TagSpec) -> Point:
    """Where a tag lies. Raises AddressError."""
    at = addressed(spec).point
    return Point(key, at.area, at.start, at.count)
