"""What a driver has learned of a device that refuses some requests, and for how long it believes it (pure)."""

from typing import Any

from telemetry.plan import Area, Block, Border, Point

BORDERS_LAST_S = 3600.0
REFUSALS_LAST_S = 60.0
MOST = 4096
"""More than that is not remembered; what was learned first is forgotten first."""


class Learned:
    """Borders that no request may reach across, and points that are refused even alone.

    Both age, since a device may be set up anew: a refused point is asked again after a minute, and a border
    is tried again after an hour. `now` are seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._borders: dict[Border, float] = {}
        self._refused: dict[tuple[Area, int, int], tuple[int, float]] = {}

    def borders(self, now: float) -> frozenset[Border]:
        self._borders = {each: until for each, until in self._borders.items() if now < until}
        return frozenset(self._borders)

    def refusal(self, point: Point, now: float) -> int:
        """The code with which a point was lately refused; 0 when it may be asked."""
        code, until = self._refused.get(_place(point), (0, 0.0))
        return code if now < until else 0

    def part(self, parts: list[Block], now: float) -> None:
        """Each of these was given, and all of them together refused: so they are to be asked apart."""
        for part in parts[1:]:
            self._keep_border((part.area, part.start), now)

    def refuse(self, point: Point, code: int, now: float) -> None:
        """The point was refused with nothing else in its request: no request may hold it any more."""
        self._refused[_place(point)] = (code, now + REFUSALS_LAST_S)
        self._keep_border((point.area, point.start), now)
        _forget_first(self._refused)

    def _keep_border(self, border: Border, now: float) -> None:
        self._borders[border] = now + BORDERS_LAST_S
        _forget_first(self._borders)


def _place(point: Point) -> tuple[Area, int, int]:
    return point.area, point.start, point.count


def _forget_first(kept: dict[Any, Any]) -> None:
    while len(kept) > MOST:
        del kept[next(iter(kept))]
