"""Whether two shifts that recur on days of the week ever share time on the wall clock (pure)."""

from datetime import date, timedelta

from production.shifts import Pattern

DAY, WEEK = timedelta(days=1), 7
# A shift is at most a day long: it reaches into the next one at most.
NEAR = (-1, 0, 1)


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some day has both at one time, or one of them has the end of the other's night.

    Shifts that meet do not overlap; nor do those that never hold on days that are near enough.
    """
    return any(_meet(one, other, apart) and _on_days(one, other, apart) for apart in NEAR)


def _meet(one: Pattern, other: Pattern, apart: int) -> bool:
    """Whether the other shares time with the one if it begins so many days later."""
    began, ended = _stretch(one)
    other_began, other_ended = (each + apart * DAY for each in _stretch(other))
    return began < other_ended and other_began < ended


def _stretch(shift: Pattern) -> tuple[timedelta, timedelta]:
    """Return its beginning and its end, from midnight of the day on which it begins."""
    began, ended = (
        timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        for wall in (shift.starts, shift.ends)
    )
    return began, ended if ended > began else ended + DAY


def _on_days(one: Pattern, other: Pattern, apart: int) -> bool:
    """Whether the one begins on some day, and the other so many days later, while both hold."""
    pairs = [day for day in one.weekdays if (day - 1 + apart) % WEEK + 1 in other.weekdays]
    # By number, since a day before the first of all has no date.
    firsts = [_number(one.first_day), _number(other.first_day, -apart)]
    lasts = [_number(one.last_day), _number(other.last_day, -apart)]
    first = max((day for day in firsts if day is not None), default=None)
    last = min((day for day in lasts if day is not None), default=None)
    if first is None or last is None:
        return bool(pairs)
    days = range(first, min(first + WEEK, last + 1))
    return any((day - 1) % WEEK + 1 in pairs for day in days)


def _number(day: date | None, later: int = 0) -> int | None:
    """Return the number of a day, so many days later; number 1 is a Monday."""
    return None if day is None else day.toordinal() + later
