"""Two shifts of one owner never share time: on the same day, over midnight, over the end of the week."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.overlapping import overlap
from production.shifts import Calendar, Pattern, shift_times

ALL = frozenset(range(1, 8))
MONDAY, SUNDAY = frozenset({1}), frozenset({7})


def shift(starts, ends, weekdays=ALL, first_day=None, last_day=None):
    return Pattern(
        name="S",
        weekdays=weekdays,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        first_day=first_day,
        last_day=last_day,
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (shift("06:00", "14:00"), shift("14:00", "22:00"), False),
        (shift("06:00", "14:00"), shift("13:59", "22:00"), True),
        (shift("22:00", "06:00"), shift("06:00", "14:00"), False),
        (shift("22:00", "06:01"), shift("06:00", "14:00"), True),
        (shift("06:00", "14:00", MONDAY), shift("06:00", "14:00", SUNDAY), False),
        # From Sunday night into Monday morning.
        (shift("22:00", "06:00", SUNDAY), shift("05:00", "14:00", MONDAY), True),
        (shift("22:00", "06:00", MONDAY), shift("05:00", "14:00", MONDAY), False),
        # A whole day, and the next one.
        (shift("06:00", "06:00"), shift("12:00", "13:00"), True),
        (shift("06:00", "06:00", SUNDAY), shift("05:00", "07:00", MONDAY), True),
    ],
)
def test_shifts_overlap_or_meet(one, other, expected):
    assert overlap(one, other) is overlap(other, one) is expected


def test_those_that_hold_one_after_the_other_overlap_only_in_the_last_night():
    before = date(2026, 3, 1)  # a Sunday
    night = shift("22:00", "06:00", last_day=before)
    assert not overlap(night, shift("06:00", "14:00", first_day=date(2026, 3, 2)))
    assert overlap(night, shift("05:00", "14:00", first_day=date(2026, 3, 2)))
    assert not overlap(night, shift("05:00", "14:00", first_day=date(2026, 3, 3)))


def test_the_first_and_the_last_of_all_days_are_days_too():
    one = shift("22:00", "06:00", first_day=date.min, last_day=date.max)
    assert overlap(one, one)
    assert not overlap(one, shift("06:00", "22:00", first_day=date.min, last_day=date.max))


HOURS = st.integers(0, 23).map(time)
DAYS = st.sets(st.integers(1, 7), min_size=1).map(frozenset)
DATES = st.none() | st.dates(date(2026, 3, 10), date(2026, 3, 20))
PATTERNS = st.builds(
    Pattern,
    name=st.just("S"),
    weekdays=DAYS,
    starts=HOURS,
    ends=HOURS,
    first_day=DATES,
    last_day=DATES,
)


@given(PATTERNS, PATTERNS)
def test_it_says_so_exactly_where_their_times_share_a_moment(one, other):
    window = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    times = [shift_times(Calendar(ZoneInfo("UTC"), (each,)), *window) for each in (one, other)]
    shared = any(
        a.started_at < b.ended_at and b.started_at < a.ended_at
        for a in times[0]
        for b in times[1]
    )
    assert overlap(one, other) is shared
