"""Reading by blocks of neighbouring addresses, and finding the bad address inside a refused one."""

import time
from abc import abstractmethod
from collections.abc import Collection, Sequence

from telemetry.drivers.base import Endpoint, LinkDown, TagSpec
from telemetry.drivers.reader import Answers, Reader
from telemetry.learned import SUSPICIONS_LAST_S, Learned
from telemetry.plan import Area, Block, BlockLimits, Point, halves, located, places, plan_blocks

EXTRA_REQUESTS = 32
"""Requests that one read may spend, beyond its plan, on finding bad addresses inside blocks."""


class BlockReader(Reader):
    """A reader that plans blocks, and remembers what a device refuses.

    A subclass says how to read a block, which refusals mean that an address in it is bad, and which may mean
    that as well as a failure of the whole device: those are believed when the device gives something else.
    """

    limits: BlockLimits
    refusals: Collection[int]
    doubtful: Collection[int] = frozenset()
    other_types: Collection[int] = frozenset()
    """Refusals that say of one address that it is of another type."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._learned = Learned()
        self._spare = 0
        self._search_until = 0.0
        self._given: set[Area] = set()
        self._suspects: list[tuple[Point, int]] = []
        self._located: tuple[Sequence[TagSpec], list[Point], list[tuple[int, str]]] = (), [], []
        """Where the tags lie that were asked for last: mostly the same as now."""

    @abstractmethod
    def _point(self, key: int, spec: TagSpec) -> Point:
        """Where a tag lies. Raises AddressError."""

    @abstractmethod
    def _read_block(self, block: Block, answers: Answers) -> int:
        """Read a block into the answers; return 0, or the code with which it was refused.

        Raises LinkDown.
        """

    @abstractmethod
    def _why(self, code: int) -> str:
        """The refusal as the end of a sentence."""

    def _ask_blocks(self, points: list[Point], answers: Answers) -> None:
        """Read all points in as few requests as the device allows. Raises LinkDown."""
        now = time.monotonic()
        # A device that answers slowly must not lose its good addresses to the search for the
        # bad ones, so that may take half of the time at most.
        self._search_until = now + self.endpoint.timeout_s / 2
        self._spare = EXTRA_REQUESTS
        self._given, self._suspects = set(), []
        searched: list[Block] = []
        wanted = self._unrefused(points, answers, now)
        for block in plan_blocks(wanted, self.limits, self._learned.borders(now)):
            known = len(self._suspects)
            self._settle(block, answers)
            if len(self._suspects) > known:
                searched.append(block)
        self._judge(searched, now)

    def _judge(self, searched: list[Block], now: float) -> None:
        """Learn of points that were refused for what may be their address, unless all of their area was."""
        for point, code in self._suspects:
            if point.area in self._given:
                self._learned.refuse(point, code, now, lasts_s=SUSPICIONS_LAST_S)
        for block in searched:
            if block.area not in self._given:
                self._learned.despair(block, now)

    def _points(self, answers: Answers) -> list[Point]:
        """Where the specs lie; those that lie nowhere are bad at once."""
        specs = tuple(answers.specs)
        if self._located[0] != specs:
            self._located = specs, *located(specs, self._point)
        _, points, wrong = self._located
        for key, why in wrong:
            answers.bad(key, why)
        return points

    def _unrefused(self, points: list[Point], answers: Answers, now: float) -> list[Point]:
        """The points worth asking for; one at least, since a device asked for none may be gone."""
        wanted = []
        for point in points:
            code = self._learned.refusal(point, now)
            if code:
                self._refuse(point, code, answers)
            else:
                wanted.append(point)
        return wanted or points[:1]

    def _settle(self, block: Block, answers: Answers) -> bool:
        """Read a block, in parts when it is refused as a whole; True when it was given as a whole."""
        refused = self._read_block(block, answers)
        now = time.monotonic()
        self._learned.settle(block, now, is_given=not refused)
        if not refused:
            self._given.add(block.area)
            return True
        is_sought = refused in self.refusals or (
            refused in self.doubtful and not self._learned.is_hopeless(block, now)
        )
        is_alone = len(places(block)) == 1
        if is_sought and is_alone:
            if refused in self.refusals:
                self._learned.refuse(block.points[0], refused, now)
            else:
                self._suspects.append((block.points[0], refused))
        parts = halves(block) if is_sought else []
        if not parts or self._spare < len(parts) or now > self._search_until:
            if parts:
                self._learned.doubt(block, parts, now)
            for point in block.points:
                self._refuse(point, refused, answers, is_alone=is_alone)
            return False
        self._spare -= len(parts)
        given = [self._settle(part, answers) for part in parts]
        if all(given):
            self._learned.part(parts, now)
        return False

    def _refuse(
        self, point: Point, code: int, answers: Answers, *, is_alone: bool = True
    ) -> None:
        address = answers.specs[point.key].address
        is_other = is_alone and code in self.other_types
        answers.bad(point.key, f"{address}: {self._why(code)}.", has_other_type=is_other)

    def _down(self, what: str) -> LinkDown:
        return LinkDown(f"{self.peer} {what}.")
