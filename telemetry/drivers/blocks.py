"""Reading by blocks of neighbouring addresses, and finding the bad address inside a refused one."""

import time
from abc import abstractmethod
from collections.abc import Collection

from telemetry.address import AddressError
from telemetry.drivers.base import Endpoint, LinkDown, TagSpec
from telemetry.drivers.reader import Answers, Reader
from telemetry.learned import Learned
from telemetry.plan import Block, BlockLimits, Point, halves, plan_blocks

EXTRA_REQUESTS = 32
"""Requests that one read may spend, beyond its plan, on finding bad addresses inside blocks."""


class BlockReader(Reader):
    """A reader that plans blocks, and remembers what a device refuses.

    A subclass says how to read a block and which refusals mean that an address in it is bad.
    """

    limits: BlockLimits
    refusals: Collection[int]

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._learned = Learned()
        self._spare = 0
        self._search_until = 0.0

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
        wanted = self._unrefused(points, answers, now)
        for block in plan_blocks(wanted, self.limits, self._learned.borders(now)):
            self._settle(block, answers)

    def _points(self, answers: Answers) -> list[Point]:
        """Where the specs lie; those that lie nowhere are bad at once."""
        points = []
        for key, spec in enumerate(answers.specs):
            try:
                points.append(self._point(key, spec))
            except AddressError as error:
                answers.bad(key, str(error))
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
        if not refused:
            return True
        now = time.monotonic()
        parts = halves(block) if refused in self.refusals else []
        if not parts or self._spare < len(parts) or now > self._search_until:
            if refused in self.refusals and len(block.points) == 1:
                self._learned.refuse(block.points[0], refused, now)
            for point in block.points:
                self._refuse(point, refused, answers)
            return False
        self._spare -= len(parts)
        given = [self._settle(part, answers) for part in parts]
        if all(given):
            self._learned.part(parts, now)
        return False

    def _refuse(self, point: Point, code: int, answers: Answers) -> None:
        address = answers.specs[point.key].address
        answers.bad(point.key, f"{address}: {self._why(code)}.")

    def _down(self, what: str) -> LinkDown:
        return LinkDown(f"{self.peer} {what}.")
