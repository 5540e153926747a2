"""When a downtime is past: from then on only a correction changes what was said of it."""

from datetime import datetime, timedelta

from production.calendars import calendar_of
from production.models import Downtime
from production.refusals import ActionRefused
from production.windows import present

NEEDS_CORRECTION = "needs_correction"
_INSTANT = timedelta(microseconds=1)


def demand_present(row: Downtime, at: datetime) -> None:
    """Raise ActionRefused with the row where, at `at`, it is confirmed or the shift that it ended in is over.

    One that lasts is never over. Without shifts the day at the site stands for the shift.
    """
    if row.confirmed_at is not None:
        raise ActionRefused(
            NEEDS_CORRECTION,
            "It is confirmed: a supervisor puts it right by a correction, which says why.",
            row,
        )
    if row.ended_at is None:
        return
    # A shift is half open: one that ended with it is of it.
    shift = present(calendar_of(row.equipment.line), row.ended_at - _INSTANT)
    if shift.ended_at <= at:
        raise ActionRefused(
            NEEDS_CORRECTION,
            "Its shift is over: a supervisor puts it right by a correction, which says why.",
            row,
        )
