"""What an equipment did over some hours, as stretches that a page can draw."""

from datetime import datetime, timedelta

from production.accounting import until
from production.models import Equipment
from production.oee import Bucket, classify
from production.shifts import Calendar
from production.timeline import Stretch, merge
from production.timelines import Extent, known

MOST = 300
NOT_SCHEDULED, PLANNED, CHANGEOVER = "not_scheduled", "planned", "changeover"
_BY_BUCKET = {
    Bucket.NOT_SCHEDULED: NOT_SCHEDULED,
    Bucket.PLANNED: PLANNED,
    Bucket.CHANGEOVER: CHANGEOVER,
}


def ribbon(
    equipment: Equipment,
    start: datetime,
    end: datetime,
    now: datetime,
    calendar: Calendar | None = None,
) -> list[Stretch[str]]:
    """Return states in order, without a hole up to `now`; planned time, breaks and changeovers by those names.

    At most `MOST` stretches: a window of more is drawn in that many cells, each as what
    lasted longest in it.
    """
    (extent,) = until([Extent(equipment, start, end, calendar)], now)
    if extent.start >= extent.end:
        return []
    (each,) = known([extent])
    found = merge(
        Stretch(
            _BY_BUCKET.get(leaf.what.bucket, leaf.what.state), leaf.started_at, leaf.ended_at
        )
        for leaf in classify(each.timeline, extent.start, extent.end)
    )
    if len(found) <= MOST:
        return found
    return coarse(found, (extent.end - extent.start) / MOST)


def coarse(stretches: list[Stretch[str]], cell: timedelta) -> list[Stretch[str]]:
    """Return the window in cells of equal length, each as what lasted longest in it, merged."""
    start, end = stretches[0].started_at, stretches[-1].ended_at
    cells: list[Stretch[str]] = []
    number, at = 0, start
    while at < end:
        until_ = min(at + cell, end)
        longest: dict[str, timedelta] = {}
        while number < len(stretches) and stretches[number].started_at < until_:
            each = stretches[number]
            length = min(each.ended_at, until_) - max(each.started_at, at)
            longest[each.what] = longest.get(each.what, timedelta()) + length
            if each.ended_at > until_:
                break
            number += 1
        cells.append(Stretch(max(longest, key=lambda what: longest[what]), at, until_))
        at = until_
    return merge(cells)
