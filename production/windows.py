"""The windows that figures are of: the present shift, and a longer time cut into shifts, hours or days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from production.shifts import Calendar, hours, shift_at, shift_times


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time in UTC, and the name of the shift it is; None where it is no shift."""

    name: str | None
    started_at: datetime
    ended_at: datetime


def present(calendar: Calendar, now: datetime) -> Window:
    """Return the shift that `now` lies in, or else its calendar day at the site."""
    shift = shift_at(calendar, now) if calendar.patterns else None
    if shift is not None:
        return Window(shift.name, shift.started_at, shift.ended_at)
    return _day(calendar.zone, now.astimezone(calendar.zone).date())


def day_start(time_zone: str, now: datetime) -> datetime:
    """Return the moment at which the calendar day of `now` began there; days may have 23 or 25 hours."""
    zone = ZoneInfo(time_zone)
    return _day(zone, now.astimezone(zone).date()).started_at


def by_shift(calendar: Calendar, start: datetime, end: datetime) -> list[Window]:
    """Return the shifts that share time with [start, end), whole; days where there are no shifts."""
    if not calendar.patterns:
        return by_day(calendar, start, end)
    return [
        Window(each.name, each.started_at, each.ended_at)
        for each in shift_times(calendar, start, end)
    ]


def by_day(calendar: Calendar, start: datetime, end: datetime) -> list[Window]:
    """Return the calendar days at the site that share time with [start, end), whole."""
    found: list[Window] = []
    day = start.astimezone(calendar.zone).date()
    while not found or found[-1].ended_at < end:
        found.append(_day(calendar.zone, day))
        day += timedelta(days=1)
    return found


def by_hour(calendar: Calendar, start: datetime, end: datetime) -> list[Window]:
    """Return [start, end) cut at the full hours of the site's clock."""
    return [Window(None, began, ended) for began, ended in hours(start, end, calendar.zone)]


def _day(zone: ZoneInfo, day: date) -> Window:
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    following = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    return Window(None, midnight.astimezone(UTC), following.astimezone(UTC))
