"""Quarters of an hour, of which every zone's hours are made."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from production.quarters import QUARTER, begin, whole

T0 = datetime(2026, 6, 1, tzinfo=UTC)
times = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda each: T0 + each)


def test_they_begin_at_the_full_hour_and_each_fifteen_minutes_after():
    hour = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert begin(hour) == hour
    assert begin(hour + timedelta(minutes=14, seconds=59)) == hour
    assert begin(hour + timedelta(minutes=15)) == hour.replace(minute=15)
    assert begin(hour - timedelta(microseconds=1)) == hour.replace(hour=9, minute=45)


@given(times)
def test_every_moment_lies_in_the_quarter_that_began(at):
    began = begin(at)
    assert began <= at < began + QUARTER
    assert (began.minute % 15, began.second, began.microsecond) == (0, 0, 0)
    assert begin(began) == began


@given(times, st.integers(-14 * 4, 14 * 4))
def test_it_is_the_same_quarter_by_whatever_clock_the_moment_is_told(at, offset):
    assert begin(at.astimezone(timezone(offset * QUARTER))) == begin(at)


@given(times, st.timedeltas(timedelta(), timedelta(days=2)))
def test_the_whole_quarters_of_a_window_are_all_that_lie_in_it(start, length):
    end = start + length
    first, last = whole(start, end)
    assert first - QUARTER < start <= first
    assert last <= end < last + QUARTER
    # Where no quarter is whole, the first one would begin after the last.
    assert (first > last) == (begin(start) == begin(end) != start)
