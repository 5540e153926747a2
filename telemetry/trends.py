"""The course of a tag over a time: samples of a short one, minutes of a long one, gaps where nothing was."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from telemetry.models import Sample, SampleMinute, Tag
from telemetry.rolling import MINUTE, Kept, Point, stretches, thinned

LONGEST = timedelta(days=31)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond them a time cannot be moved by a zone or an hour without leaving the calendar."""
MOST_POINTS = 2000
RAW_UP_TO = timedelta(hours=2)
MOST_RAW = 20_000
_MOST_PIECES = 10
"""So often as many samples that nobody has summed up are looked at: two days of one a second."""
_PATIENCE = 3


class BadSpan(ValueError):
    """A time that no trend can be of; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The points of a tag in their order, without overlap. What lies between two of them is a gap."""

    tag: Tag
    start: datetime
    end: datetime
    source: Literal["raw", "minutes"]
    points: list[Point]


def trend(tag: Tag, start: datetime, end: datetime, points: int, now: datetime) -> Trend:
    """Return the course of a tag in at most so many points. Raises BadSpan.

    A value holds until the next one, but not beyond `now`, nor longer than it may go without being stored
    again. Bad and stale readings are points without numbers.
    """
    if start >= end:
        raise BadSpan("A trend begins before it ends.")
    if start < EARLIEST or end > LATEST:
        raise BadSpan(f"A trend is of the years {EARLIEST.year} to {LATEST.year}.")
    if end - start > LONGEST:
        raise BadSpan(f"A trend is of at most {LONGEST.days} days.")
    if not 3 <= points <= MOST_POINTS:
        raise BadSpan(f"A trend has 3 to {MOST_POINTS} points.")
    until = max(start, min(end, now))
    if end - start <= RAW_UP_TO:
        found = _raw(tag, start, until)
        if found is not None:
            return Trend(tag, start, end, "raw", thinned(found, start, until, points))
    return Trend(
        tag, start, end, "minutes", thinned(_minutes(tag, start, until), start, until, points)
    )


def holds(tag: Tag) -> timedelta:
    """Return how long a value of a tag holds: until it should have been stored again, and a few polls more."""
    period_s = tag.period_s or tag.plc.poll_period_s
    return timedelta(seconds=tag.longest_interval_s + _PATIENCE * period_s)


def _raw(tag: Tag, start: datetime, end: datetime) -> list[Point] | None:
    """Return the stretches of the samples; None of more samples than can be looked at."""
    rows = Sample.objects.filter(tag=tag)
    within = list(
        rows.filter(source_at__gte=start, source_at__lt=end)
        .order_by("source_at", "pk")
        .values_list("source_at", "value", "quality")[: MOST_RAW + 1]
    )
    if len(within) > MOST_RAW:
        return None
    first = (
        rows.filter(source_at__lt=start)
        .order_by("-source_at", "-pk")
        .values_list("source_at", "value", "quality")
        .first()
    )
    return stretches(
        [Kept(*row) for row in within], end, holds(tag), carried=Kept(*first) if first else None
    )


def _minutes(tag: Tag, start: datetime, end: datetime) -> list[Point]:
    """Return the minutes, and after each what its last value goes on to hold; the newest from the samples."""
    rows = SampleMinute.objects.filter(tag=tag, minute__gte=start - MINUTE, minute__lt=end)
    found: list[Point] = []
    held = holds(tag)
    for row in rows.order_by("minute"):
        at = row.minute
        if found and found[-1].mean is not None and found[-1].until < at:
            found += _held(found[-1], at, held)
        found.append(
            Point(
                at, at + MINUTE, row.least, row.most, row.mean, row.last, row.count, row.quality
            )
        )
    newest = found[-1].until if found else start
    if newest < end:
        # The minutes of the last moments are not summed up yet, or the value only holds.
        found += _newest(tag, newest, end)
    return [point for point in found if point.until > start and point.at < end]


def _newest(tag: Tag, start: datetime, end: datetime) -> list[Point]:
    """Return the course of what is not summed up yet: mostly some minutes, more where the task was away."""
    found: list[Point] = []
    for _ in range(_MOST_PIECES):
        rows = Sample.objects.filter(tag=tag, source_at__gte=start, source_at__lt=end)
        beyond = rows.order_by("source_at", "pk").values_list("source_at", flat=True)[MOST_RAW:]
        until = beyond.first() or end
        found += thinned(_raw(tag, start, until) or [], start, until, MOST_POINTS)
        if until == end:
            break
        start = until
    return found


def _held(last: Point, next_at: datetime, held: timedelta) -> list[Point]:
    """Return what a value goes on to be until the next minute with a sample, if it may hold so long.

    When in their minutes the two samples came nobody knows any more. It is a gap where they are too far apart
    in any case: else one would be drawn wherever a value is stored again just beyond the end of a minute.
    """
    until = next_at if next_at - last.until <= held else last.until - MINUTE + held
    if until <= last.until or last.last is None or last.quality in {"bad", "stale"}:
        return []
    value = last.last
    return [Point(last.until, until, value, value, value, value, 0, last.quality)]
