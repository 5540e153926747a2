"""Quarters of an hour: they begin at :00, :15, :30 and :45 UTC, of which every zone's hours are made (pure)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

QUARTER = timedelta(minutes=15)
_FIRST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def begin(at: datetime) -> datetime:
    """Return the beginning of the quarter that the moment lies in."""
    return at - (at - _FIRST) % QUARTER


def whole(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the first beginning at or after `start`, and the last at or before `end`."""
    return begin(start + QUARTER - timedelta(microseconds=1)), begin(end)


def cut(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield [start, end) in parts of one quarter each, in order."""
    while start < end:
        until = min(end, begin(start) + QUARTER)
        yield start, until
        start = until
