"""What a driver has learned of a device that refuses some requests, and for how long it believes it (pure)."""

from dataclasses import dataclass, field
from typing import Any

from telemetry.plan import Area, Block, Border, Point

BORDERS_LAST_S = 3600.0
REFUSALS_LAST_S = 60.0
SUSPICIONS_LAST_S = 10.0
"""Of a refusal that may have been a failure of the device for the moment."""
Extent = tuple[Area, int, int]
"""What tells one block from another, whatever points it holds: its area, where it begins and how long it is."""
MOST = 4096
"""More than that is not remembered; what was learned first is forgotten first."""


@dataclass(slots=True)
class _Doubt:
    """A refused block whose halves nobody had the time to ask for: where they begin, and what came of them."""

    halves: tuple[tuple[int, int], tuple[int, int]]
    until: float
    given: dict[tuple[int, int], bool] = field(default_factory=dict)

    @property
    def borders(self) -> tuple[int, int, int]:
        (start, _), (middle, end) = self.halves
        return start, middle, end


class Learned:
    """Borders that no request may reach across, points that are refused even alone, sizes of elements.

    All age, since a device may be set up anew: a refused point is asked again after a minute or less, and
    a border is tried again after an hour, as is a size. `now` are seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._borders: dict[Border, float] = {}
        self._refused: dict[tuple[Area, int, int], tuple[int, float]] = {}
        self._sizes: dict[Area, tuple[int, float]] = {}
        self._doubts: dict[tuple[Area, int, int], _Doubt] = {}
        self._hopeless: dict[tuple[Area, int, int], float] = {}

    def borders(self, now: float) -> frozenset[Border]:
        self._borders = {each: until for each, until in self._borders.items() if now < until}
        self._doubts = {key: doubt for key, doubt in self._doubts.items() if now < doubt.until}
        doubtful = {(key[0], at) for key, doubt in self._doubts.items() for at in doubt.borders}
        return frozenset(self._borders) | doubtful

    def doubt(self, block: Block, parts: list[Block], now: float) -> None:
        """The block was refused and there was no time for its halves: they are what is asked for next."""
        first, second = ((part.start, part.start + part.count) for part in parts)
        self._doubts[extent(block)] = _Doubt((first, second), now + BORDERS_LAST_S)
        forget_first(self._doubts)

    def settle(self, block: Block, now: float, *, is_given: bool) -> None:
        """What came of a block; a doubt ends when both halves were asked for."""
        if is_given:
            self._hopeless.pop(extent(block), None)
            self._rejoin(block, now)
        place = (block.start, block.start + block.count)
        for key, doubt in list(self._doubts.items()):
            if key[0] != block.area or place not in doubt.halves:
                continue
            doubt.given[place] = is_given
            if len(doubt.given) == len(set(doubt.halves)):
                del self._doubts[key]
                if all(doubt.given.values()):
                    self._keep_border((block.area, doubt.borders[1]), now)

    def _rejoin(self, block: Block, now: float) -> None:
        """Forget the borders of points that were refused and are given again: the refusal has passed.

        Else a device that refuses everything for a minute would be asked point by point for an hour. A border
        that a neighbour needs, which is still refused, stays.
        """
        given = {_place(point) for point in block.points} & self._refused.keys()
        if not given:
            return
        for place in given:
            del self._refused[place]
        needed = {
            (area, at)
            for (area, start, count), (_, until) in self._refused.items()
            if now < until
            for at in (start, start + count)
        }
        for area, start, count in given:
            for border in {(area, start), (area, start + count)} - needed:
                self._borders.pop(border, None)

    def despair(self, block: Block, now: float) -> None:
        """The block was searched and nothing of its area given: it is not searched again for a while.

        This says nothing of other blocks of the area: they may hold a bad address among good ones.
        """
        self._hopeless[extent(block)] = now + SUSPICIONS_LAST_S
        inside = range(block.start, block.start + block.count)
        self._doubts = {
            key: doubt
            for key, doubt in self._doubts.items()
            if key[0] != block.area or key[1] not in inside
        }
        forget_first(self._hopeless)

    def is_hopeless(self, block: Block, now: float) -> bool:
        """Whether nothing was given when the block was last searched."""
        return now < self._hopeless.get(extent(block), 0.0)

    def refusal(self, point: Point, now: float) -> int:
        """The code with which a point was lately refused; 0 when it may be asked."""
        code, until = self._refused.get(_place(point), (0, 0.0))
        return code if now < until else 0

    def part(self, parts: list[Block], now: float) -> None:
        """Each of these was given, and all of them together refused: so they are to be asked apart."""
        for part in parts[1:]:
            self._keep_border((part.area, part.start), now)

    def join(self, block: Block) -> None:
        """Forget the borders inside a block: its parts need not be asked for apart after all."""
        inside = range(block.start + 1, block.start + block.count)
        self._borders = {
            (area, at): until
            for (area, at), until in self._borders.items()
            if area != block.area or at not in inside
        }

    def refuse(
        self, point: Point, code: int, now: float, lasts_s: float = REFUSALS_LAST_S
    ) -> None:
        """The point was refused with nothing else in its request: no request may hold it any more."""
        self._refused[_place(point)] = (code, now + lasts_s)
        self.isolate(point, now)
        forget_first(self._refused)

    def isolate(self, point: Point, now: float) -> None:
        """Whatever is asked for together with the point would be refused with it."""
        self._keep_border((point.area, point.start), now)
        self._keep_border((point.area, point.end), now)

    def sizes(self, now: float) -> dict[Area, int]:
        """The bytes of elements, by their area, where they are more than the tags say."""
        self._sizes = {each: kept for each, kept in self._sizes.items() if now < kept[1]}
        return {area: size for area, (size, _) in self._sizes.items()}

    def grow(self, area: Area, size: int, now: float) -> None:
        """An element has shown itself to be larger than the tags say."""
        self._sizes[area] = (size, now + BORDERS_LAST_S)
        forget_first(self._sizes)

    def _keep_border(self, border: Border, now: float) -> None:
        self._borders[border] = now + BORDERS_LAST_S
        forget_first(self._borders)


def _place(point: Point) -> tuple[Area, int, int]:
    return point.area, point.start, point.count


def extent(block: Block) -> Extent:
    """Its extent."""
    return block.area, block.start, block.count


def forget_first(kept: dict[Any, Any]) -> None:
    """Keep no more than `MOST` of them."""
    while len(kept) > MOST:
        del kept[next(iter(kept))]
