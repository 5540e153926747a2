"""The time a report is about: shifts, days by the clock of the site, and what is no time at all."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from production.shifts import Calendar, Pattern
from realtime.periods import BadPeriod, parts_of, period_of

EVERY_DAY = frozenset(range(1, 8))
SHIFTS = Calendar(
    ZoneInfo("Europe/Berlin"),
    tuple(
        Pattern(name=name, weekdays=EVERY_DAY, starts=time(starts), ends=time(ends))
        for name, starts, ends in (("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6))
    ),
)
WITHOUT = Calendar(ZoneInfo("Europe/Berlin"))
NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)  # 11:30 in Berlin, in the early shift


def local(period):
    return tuple(f"{at.astimezone(period.zone):%d. %H:%M}" for at in (period.start, period.end))


@pytest.mark.parametrize(
    ("query", "name", "times"),
    [
        ({}, "Early", ("24. 06:00", "24. 14:00")),
        ({"period": "shift"}, "Early", ("24. 06:00", "24. 14:00")),
        ({"period": "previous"}, "Night", ("23. 22:00", "24. 06:00")),
        ({"period": "today"}, "Today", ("24. 00:00", "25. 00:00")),
        ({"period": "yesterday"}, "Yesterday", ("23. 00:00", "24. 00:00")),
        ({"period": "week"}, "Last 7 days", ("17. 11:30", "24. 11:30")),
        (
            {"period": "own", "from": "2026-11-23T08:00", "to": "2026-11-23T09:30"},
            "From ... to",
            ("23. 08:00", "23. 09:30"),
        ),
        (
            {"from": "2026-11-23T08:00:00+00:00", "to": "2026-11-23T09:30:00Z"},
            "From ... to",
            ("23. 09:00", "23. 10:30"),
        ),
    ],
)
def test_a_period_is_of_the_sites_clock(query, name, times):
    period = period_of(query, SHIFTS, NOW)
    assert (period.name, local(period)) == (name, times)


def test_without_shifts_a_shift_is_a_day():
    period = period_of({}, WITHOUT, NOW)
    assert local(period) == ("24. 00:00", "25. 00:00")
    assert local(period_of({"period": "previous"}, WITHOUT, NOW)) == ("23. 00:00", "24. 00:00")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"period": "ever"}, "'ever' is no period."),
        ({"period": "own"}, "'' is no date and time."),
        ({"from": "yesterday", "to": "today"}, "'yesterday' is no date and time."),
        (
            {"from": "2026-11-24T08:00", "to": "2026-11-24T08:00"},
            "The end is not after the beginning.",
        ),
        (
            {"from": "2026-01-01T00:00", "to": "2026-11-24T08:00"},
            "A report is about at most 92 days.",
        ),
        (
            {"from": "0001-01-01T00:00", "to": "9999-12-31T23:59"},
            "'0001-01-01T00:00' is no date and time.",
        ),
    ],
)
def test_what_is_no_time_is_refused_with_a_sentence(query, sentence):
    with pytest.raises(BadPeriod, match=r".") as refused:
        period_of(query, SHIFTS, NOW)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("query", "part", "number"),
    [
        ({"period": "shift"}, "Hour", 8),
        ({"period": "today"}, "Hour", 24),
        ({"period": "week"}, "Shift", 22),
        ({"period": "month"}, "Day", 31),
    ],
)
def test_the_rows_of_a_table_add_up_to_the_period(query, part, number):
    period = period_of(query, SHIFTS, NOW)
    name, windows = parts_of(period, SHIFTS)
    assert (name, len(windows)) == (part, number)
    assert windows[0].started_at == period.start
    assert windows[-1].ended_at == period.end
    assert sum((each.ended_at - each.started_at for each in windows), timedelta()) == (
        period.end - period.start
    )
