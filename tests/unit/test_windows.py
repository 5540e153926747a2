"""The present shift, and a longer time cut into shifts, hours and days of the site."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.shifts import Calendar, Pattern
from production.windows import Window, by_day, by_hour, by_shift, day_start, present

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HOUR = timedelta(hours=1)
WORKDAYS = frozenset(range(1, 6))
EARLY = Pattern(name="Early", weekdays=WORKDAYS, starts=time(6), ends=time(14))
NIGHT = Pattern(name="Night", weekdays=WORKDAYS, starts=time(22), ends=time(6))
TWO_SHIFTS = Calendar(BERLIN, (EARLY, NIGHT))

T0 = datetime(2026, 6, 1, tzinfo=UTC)
times = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda each: T0 + each)
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=9))
zones = st.sampled_from([ZoneInfo("UTC"), BERLIN, NEW_YORK, LORD_HOWE])
calendars = st.builds(Calendar, zones, st.sampled_from([(), (EARLY,), (EARLY, NIGHT)]))


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_present_window_is_the_shift_by_its_name():
    found = present(TWO_SHIFTS, utc(2026, 11, 23, 6))
    assert found == Window("Early", utc(2026, 11, 23, 5), utc(2026, 11, 23, 13))
    night = Window("Night", utc(2026, 11, 23, 21), utc(2026, 11, 24, 5))
    assert present(TWO_SHIFTS, utc(2026, 11, 24, 4, 59)) == night


@pytest.mark.parametrize(
    "calendar", [Calendar(BERLIN), TWO_SHIFTS], ids=["no shifts", "between"]
)
def test_where_no_shift_is_it_is_the_day_of_the_site(calendar):
    found = present(calendar, utc(2026, 11, 23, 15))
    assert found == Window(None, utc(2026, 11, 22, 23), utc(2026, 11, 23, 23))


def test_a_day_on_which_the_clock_is_changed_has_23_or_25_hours():
    short, long = (
        by_day(Calendar(BERLIN), utc(2026, 3, 29), utc(2026, 3, 29, 1)),
        by_day(Calendar(BERLIN), utc(2026, 10, 25), utc(2026, 10, 25, 1)),
    )
    assert [each.ended_at - each.started_at for each in (*short, *long)] == [
        23 * HOUR,
        25 * HOUR,
    ]


def test_a_window_without_any_length_lies_in_one_day():
    assert len(by_day(Calendar(BERLIN), utc(2026, 11, 23), utc(2026, 11, 23))) == 1


@given(calendars, times)
def test_now_lies_in_the_present_window(calendar, now):
    found = present(calendar, now)
    assert found.started_at <= now < found.ended_at


@given(zones, times)
def test_a_day_begins_at_midnight_by_the_clock_of_the_site(zone, now):
    began = day_start(zone.key, now)
    assert began <= now < began + 25 * HOUR
    wall = began.astimezone(zone)
    assert (wall.date(), wall.time()) == (now.astimezone(zone).date(), time.min)


@given(zones, times, lengths)
def test_days_touch_each_other_cover_the_window_and_none_is_beside_it(zone, start, length):
    end = start + length
    days = by_day(Calendar(zone), start, end)
    assert days[0].started_at <= start < days[0].ended_at
    assert days[-1].started_at < end <= days[-1].ended_at
    assert all(one.ended_at == after.started_at for one, after in pairwise(days))


@given(calendars, times, lengths)
def test_hours_are_the_window_cut_and_none_is_longer(calendar, start, length):
    end = start + length
    parts = by_hour(calendar, start, end)
    assert (parts[0].started_at, parts[-1].ended_at) == (start, end)
    assert all(one.ended_at == after.started_at for one, after in pairwise(parts))
    assert all(timedelta() < each.ended_at - each.started_at <= HOUR for each in parts)


@given(calendars, times, lengths)
def test_shifts_are_whole_and_share_time_with_the_window(calendar, start, length):
    end = start + length
    shifts = by_shift(calendar, start, end)
    assert all(each.started_at < end and each.ended_at > start for each in shifts)
    assert sorted(shifts, key=lambda each: each.started_at) == shifts
    assert {each.name for each in shifts} <= {None, "Early", "Night"}
    assert not any(each.name is None for each in shifts) or not calendar.patterns
    inside = present(calendar, start)
    assert inside in shifts or inside.name is None
