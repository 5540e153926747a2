"""The present shift hour by hour: what was wanted of the constraint, and what it made."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from production.accounting import until
from production.models import Equipment, Line
from production.oee import PPT, Bucket
from production.output import compared
from production.ratios import figures
from production.shifts import Calendar
from production.timelines import Extent
from production.windows import by_hour, present


@dataclass(frozen=True, slots=True)
class HourRow:
    """An hour by the clock of the site, or the part of it that lies in the shift.

    `target` is in pieces, of the time so far; None where nobody can tell it. `oee` is a fraction. An hour that
    is yet to come has neither pieces nor figures.
    """

    started_at: datetime
    ended_at: datetime
    target: float | None
    good: int
    reject: int
    downtime_s: float
    oee: float | None
    is_present: bool


def hours(
    line: Line, constraint: Equipment | None, calendar: Calendar, now: datetime
) -> list[HourRow]:
    """Return the hours of the present shift, or of the calendar day where there is none, in order."""
    shift = present(calendar, now)
    windows = by_hour(calendar, shift.started_at, shift.ended_at)
    if constraint is None:
        return [_empty(each.started_at, each.ended_at, now) for each in windows]
    begun = [each for each in windows if each.started_at < now]
    extents = until(
        (Extent(constraint, each.started_at, each.ended_at, calendar) for each in begun), now
    )
    rows = []
    for window, each in zip(begun, compared(extents), strict=True):
        account = each.account
        oee = figures(account, no_data_is_stop=line.no_data_is_stop).oee
        made = account.output
        good = made.good + made.aside_good
        rows.append(
            HourRow(
                started_at=window.started_at,
                ended_at=window.ended_at,
                target=each.target,
                good=good,
                reject=made.total + made.aside_total - good,
                downtime_s=_not_running(account.of(*PPT), account.of(Bucket.RUNNING)),
                oee=None if oee is None else float(oee),
                is_present=now < window.ended_at,
            )
        )
    later = windows[len(begun) :]
    return rows + [_empty(each.started_at, each.ended_at, now) for each in later]


def _not_running(planned: timedelta, running: timedelta) -> float:
    return (planned - running).total_seconds()


def _empty(started_at: datetime, ended_at: datetime, now: datetime) -> HourRow:
    return HourRow(started_at, ended_at, None, 0, 0, 0.0, None, started_at <= now < ended_at)
