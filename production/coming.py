"""What a calendar says of the days to come, worked out as far as somebody looks (pure)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from production.oee import Plan
from production.shifts import Calendar, plan
from production.timeline import Stretch, clip

DAY = timedelta(days=1)
HORIZON_DAYS = 31
_AT_ONCE = 6
"""So many times the days that are known are laid out next. Most look no further than the first, and laying out
one takes nearly as long as laying out ten, since days before decide over it."""


class Coming:
    """The plan of [now, now + 31 days), cut at each full day from now, for all who ask for it."""

    def __init__(self, calendar: Calendar, now: datetime) -> None:
        self._calendar, self._now = calendar, now
        self._days: list[list[Stretch[Plan]]] = []

    def __iter__(self) -> Iterator[Stretch[Plan]]:
        for number in range(HORIZON_DAYS):
            if number == len(self._days):
                self._lay_out(min(max(1, _AT_ONCE * number), HORIZON_DAYS - number))
            yield from self._days[number]

    def _lay_out(self, how_many: int) -> None:
        start = self._now + len(self._days) * DAY
        parts = plan(self._calendar, start, start + how_many * DAY)
        for number in range(how_many):
            began = start + number * DAY
            self._days.append(list(clip(parts, began, began + DAY)))
