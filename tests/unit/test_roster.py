"""Who is on call, by the wall clock of the site, also where the clock is changed."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from andon.roster import Turn, on_call
from production.shifts import Pattern

EVERY_DAY = frozenset(range(1, 8))


def turn(person, starts, ends, weekdays=EVERY_DAY, **fields):
    pattern = Pattern(
        name="", weekdays=weekdays, starts=time(starts), ends=time(ends), **fields
    )
    return Turn(person, pattern)


def wall(zone, *when, fold=0):
    return datetime(*when, tzinfo=ZoneInfo(zone), fold=fold)


DAYS = (turn(1, 6, 14), turn(2, 14, 22), turn(3, 22, 6))


@pytest.mark.parametrize(
    ("hour", "person"), [(5, 3), (6, 1), (13, 1), (14, 2), (21, 2), (22, 3), (0, 3)]
)
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
def test_turns_are_half_open_and_a_night_belongs_to_the_day_it_begins_on(zone, hour, person):
    moment = wall(zone, 2026, 6, 10, hour)
    assert on_call(DAYS, ZoneInfo(zone), moment) == [person]


def test_days_of_the_week_and_dates_limit_a_turn():
    zone = ZoneInfo("UTC")
    turns = (
        turn(1, 22, 6, weekdays=frozenset({6})),
        turn(2, 0, 12, first_day=date(2026, 6, 14), last_day=date(2026, 6, 14)),
        turn(1, 0, 12),
    )
    assert on_call(turns, zone, datetime(2026, 6, 14, 3, 0, tzinfo=zone)) == [1, 2]
    assert on_call(turns, zone, datetime(2026, 6, 15, 3, 0, tzinfo=zone)) == [1]
    assert on_call(turns, zone, datetime(2026, 6, 15, 13, 0, tzinfo=zone)) == []


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        ("Europe/Berlin", (2026, 3, 29), (2026, 10, 25)),
        ("America/New_York", (2026, 3, 8), (2026, 11, 1)),
    ],
)
def test_an_hour_left_out_belongs_to_the_next_and_one_that_comes_twice_is_covered_twice(
    zone, spring, autumn
):
    missing = 2
    twice = 2 if zone == "Europe/Berlin" else 1
    turns = (turn(1, missing, missing + 1), turn(2, missing + 1, 12))
    jumped = wall(zone, *spring, missing + 1)
    assert on_call(turns, ZoneInfo(zone), jumped) == [2]
    both = (turn(1, twice, twice + 1), turn(2, twice + 1, 12))
    for fold in (0, 1):
        moment = wall(zone, *autumn, twice, 30, fold=fold)
        assert on_call(both, ZoneInfo(zone), moment) == [1]


def test_the_half_hour_of_lord_howe():
    zone = "Australia/Lord_Howe"
    turns = (turn(1, 1, 2), turn(2, 2, 12))
    for fold in (0, 1):
        moment = wall(zone, 2026, 4, 5, 1, 45, fold=fold)  # 01:30 to 02:00 comes twice
        assert on_call(turns, ZoneInfo(zone), moment) == [1]
    assert on_call(turns, ZoneInfo(zone), wall(zone, 2026, 10, 4, 2, 30)) == [2]
