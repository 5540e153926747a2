"""The shift of a line as its board prints it: the ribbon of its constraint, and hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from production.calendars import calendar_of
from production.hours import HourRow, hours
from production.models import Line
from production.ribbon import ribbon
from production.windows import present
from realtime.formats import duration, whole
from realtime.ribbons import Ribbon, draw_ribbon

LONGEST = timedelta(hours=8)
MOST_HOURS = 9


@dataclass(frozen=True, slots=True)
class HourDrawn:
    """An hour of the shift: what was made of what was to be made."""

    name: str
    span: str
    good: str
    target: str
    downtime: str
    short: bool
    now: bool


@dataclass(frozen=True, slots=True)
class ShiftDrawn:
    """The present shift, or the day where there are no shifts."""

    title: str
    span: str
    at: datetime
    clock: str
    ribbon: Ribbon
    hours: Sequence[HourDrawn]
    why: str = ""


def draw_shift(line: Line, now: datetime) -> ShiftDrawn:
    """Return the shift of a line as of `now`, or its day where there is no shift.

    The ribbon is at most eight hours long: those of the shift, or the last ones.
    """
    calendar = calendar_of(line)
    zone = calendar.zone
    shift = present(calendar, now)
    end = min(shift.ended_at, max(shift.started_at + LONGEST, now))
    start = max(shift.started_at, end - LONGEST)
    constraint = line.equipment.filter(is_constraint=True).first()
    stretches = ribbon(constraint, start, end, now, calendar) if constraint else []
    rows = _around(hours(line, constraint, calendar, now))
    return ShiftDrawn(
        title=shift.name or "Today",
        span=f"{shift.started_at.astimezone(zone):%H:%M} to {shift.ended_at.astimezone(zone):%H:%M}",
        at=now,
        clock=f"{now.astimezone(zone):%H:%M:%S}",
        ribbon=draw_ribbon(stretches, start, end, zone),
        hours=[_hour(row, zone, is_past=row.started_at <= now) for row in rows],
        why="" if constraint else "no equipment is the constraint of this line",
    )


def _around(rows: Sequence[HourRow]) -> Sequence[HourRow]:
    """Return the hours that fit beside each other, the present one among the last of them."""
    here = next((n for n, row in enumerate(rows) if row.is_present), len(rows) - 1)
    first = max(0, min(here - MOST_HOURS + 2, len(rows) - MOST_HOURS))
    return rows[first : first + MOST_HOURS]


def _hour(row: HourRow, zone: ZoneInfo, *, is_past: bool) -> HourDrawn:
    start, end = row.started_at.astimezone(zone), row.ended_at.astimezone(zone)
    return HourDrawn(
        name=f"{start:%H:%M}",
        span=f"{start:%H:%M} to {end:%H:%M}",
        good=whole(row.good) if is_past else "",
        target=whole(row.target) if is_past else "",
        downtime=duration(row.downtime_s) if row.downtime_s >= 1 else "",
        short=row.target is not None and row.good < row.target and not row.is_present,
        now=row.is_present,
    )
