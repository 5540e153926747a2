"""Shifts are of the site's wall clock, and every moment of a window has one plan."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from production import shifts
from production.oee import Plan
from production.shifts import (
    Calendar,
    Difference,
    Pattern,
    Pause,
    ShiftTime,
    hours,
    laid_out,
    moment,
    plan,
    shift_at,
    shift_times,
    wrong_breaks,
)
from production.timeline import Stretch, measure, merge

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
UTC_ZONE = ZoneInfo("UTC")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
# Days of the wall clock around which something happens to it; Kathmandu's stays as it is.
CHANGES = {
    BERLIN: (date(2026, 3, 29), date(2026, 10, 25)),
    NEW_YORK: (date(2026, 3, 8), date(2026, 11, 1)),
    LORD_HOWE: (date(2026, 4, 5), date(2026, 10, 4)),
    KATHMANDU: (date(2026, 6, 15),),
}
EVERY_DAY = frozenset(range(1, 8))
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
S, P, N = Plan.SCHEDULED, Plan.PLANNED, Plan.NOT_SCHEDULED


def pattern(name, starts, ends, *breaks, **fields):
    return Pattern(
        name=name,
        weekdays=fields.pop("weekdays", EVERY_DAY),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        breaks=tuple(
            Pause("Break", time.fromisoformat(a), time.fromisoformat(b)) for a, b in breaks
        ),
        **fields,
    )


EARLY = pattern("Early", "06:00", "14:00", ("10:00", "10:30"))
LATE = pattern("Late", "14:00", "22:00", ("18:00", "18:30"))
NIGHT = pattern("Night", "22:00", "06:00", ("02:00", "02:30"))
THREE = (EARLY, LATE, NIGHT)


def differs(kind, first, last=None, starts=None, ends=None, name=None):
    return Difference(
        kind=kind,
        name=name or kind,
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last or first),
        starts=starts and time.fromisoformat(starts),
        ends=ends and time.fromisoformat(ends),
    )


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_zone(day, zone=BERLIN):
    """Return the whole of a calendar day there."""
    first = date.fromisoformat(day)
    return moment(first, time.min, zone), moment(first + DAY, time.min, zone)


def shown(parts, zone=BERLIN):
    """Return (what, from, to) by the wall clock."""
    return [
        (
            part.name if isinstance(part, ShiftTime) else part.what,
            f"{part.started_at.astimezone(zone):%d %H:%M}",
            f"{part.ended_at.astimezone(zone):%d %H:%M}",
        )
        for part in parts
    ]


# Ordinary days


def test_three_shifts_meet_and_breaks_cut_none_of_them():
    found = shift_times(Calendar(BERLIN, THREE), *in_zone("2026-06-10"))
    assert shown(found) == [
        ("Night", "09 22:00", "10 06:00"),
        ("Early", "10 06:00", "10 14:00"),
        ("Late", "10 14:00", "10 22:00"),
        ("Night", "10 22:00", "11 06:00"),
    ]
    assert [each.day.day for each in found] == [9, 10, 10, 10]
    assert {each.started_at.tzinfo for each in found} == {UTC}


def test_breaks_are_planned_stops_and_those_of_a_night_are_after_midnight():
    assert shown(plan(Calendar(BERLIN, THREE), *in_zone("2026-06-10"))) == [
        (S, "10 00:00", "10 02:00"),
        (P, "10 02:00", "10 02:30"),
        (S, "10 02:30", "10 10:00"),
        (P, "10 10:00", "10 10:30"),
        (S, "10 10:30", "10 18:00"),
        (P, "10 18:00", "10 18:30"),
        (S, "10 18:30", "11 00:00"),
    ]


def test_a_shift_is_of_its_days_of_the_week_and_between_its_first_and_last_day():
    # Monday and Tuesday, from the 9th (a Tuesday) until the 15th (a Monday).
    some = pattern(
        "Early",
        "06:00",
        "14:00",
        weekdays=frozenset({1, 2}),
        first_day=date(2026, 6, 9),
        last_day=date(2026, 6, 15),
    )
    found = shift_times(Calendar(BERLIN, (some,)), utc("2026-06-01"), utc("2026-07-01"))
    assert [each.day.day for each in found] == [9, 15]


def test_without_shifts_it_is_scheduled_all_the_time_and_a_shift_is_a_calendar_day():
    calendar = Calendar(BERLIN)
    start, end = utc("2026-03-28T12:00"), utc("2026-03-30T12:00")
    assert plan(calendar, start, end) == [Stretch(S, start, end)]
    found = shift_times(calendar, start, end)
    assert [(each.name, each.day.day) for each in found] == [
        ("Day", 28),
        ("Day", 29),
        ("Day", 30),
    ]
    assert [each.ended_at - each.started_at for each in found] == [DAY, 23 * HOUR, DAY]


def test_a_shift_that_ends_when_it_began_lasts_a_day():
    calendar = Calendar(BERLIN, (pattern("All", "06:00", "06:00", ("05:00", "05:30")),))
    found = shift_at(calendar, utc("2026-06-10T12:00"))
    assert found.ended_at - found.started_at == DAY
    assert measure(plan(calendar, *in_zone("2026-06-10"))) == {
        S: DAY - 30 * MINUTE,
        P: 30 * MINUTE,
    }


def test_an_empty_window_has_no_plan_and_no_shift():
    noon = utc("2026-06-10T12:00")
    calendar = Calendar(BERLIN, THREE)
    assert (plan(calendar, noon, noon), shift_times(calendar, noon, noon)) == ([], [])
    assert hours(noon, noon, BERLIN) == []


def test_shifts_that_only_touch_the_window_are_not_of_it():
    calendar = Calendar(BERLIN, (EARLY, LATE))
    found = shift_times(
        calendar, moment(date(2026, 6, 10), time(14), BERLIN), utc("2026-06-10T13:00")
    )
    assert [each.name for each in found] == ["Late"]


def test_where_shifts_overlap_it_is_scheduled_once_and_the_later_names_the_moment():
    calendar = Calendar(
        UTC_ZONE, (pattern("A", "06:00", "14:00"), pattern("B", "13:00", "21:00"))
    )
    start, end = in_zone("2026-06-10", UTC_ZONE)
    assert measure(plan(calendar, start, end)) == {S: 15 * HOUR, N: 9 * HOUR}
    assert shift_at(calendar, utc("2026-06-10T12:59")).name == "A"
    assert shift_at(calendar, utc("2026-06-10T13:00")).name == "B"
    assert shift_at(calendar, utc("2026-06-10T21:00")) is None


# Days that differ


def test_a_holiday_takes_shifts_away_and_cuts_those_that_reach_into_it():
    calendar = Calendar(BERLIN, THREE, (differs("holiday", "2026-06-10"),))
    assert shown(shift_times(calendar, utc("2026-06-09T12:00"), utc("2026-06-11T12:00"))) == [
        ("Late", "09 14:00", "09 22:00"),
        ("Night", "09 22:00", "10 00:00"),
        ("Night", "11 00:00", "11 06:00"),
        ("Early", "11 06:00", "11 14:00"),
    ]
    assert plan(calendar, *in_zone("2026-06-10")) == [Stretch(N, *in_zone("2026-06-10"))]
    assert shift_at(calendar, utc("2026-06-10T10:00")) is None


def test_a_holiday_in_the_midst_of_a_shift_leaves_one_shift():
    calendar = Calendar(
        BERLIN, (EARLY,), (differs("holiday", "2026-06-10", starts="09:00", ends="10:15"),)
    )
    day = in_zone("2026-06-10")
    assert shown(shift_times(calendar, *day)) == [("Early", "10 06:00", "10 14:00")]
    assert shown(plan(calendar, *day)) == [
        (N, "10 00:00", "10 06:00"),
        (S, "10 06:00", "10 09:00"),
        (N, "10 09:00", "10 10:15"),
        (P, "10 10:15", "10 10:30"),
        (S, "10 10:30", "10 14:00"),
        (N, "10 14:00", "11 00:00"),
    ]


def test_overtime_outside_of_shifts_is_a_shift_of_its_own():
    calendar = Calendar(
        BERLIN,
        (EARLY, pattern("Late", "15:00", "22:00")),
        (
            differs("overtime", "2026-06-10", starts="13:00", ends="15:30", name="Rush"),
            differs("overtime", "2026-06-10", starts="14:30", ends="23:00", name="More"),
        ),
    )
    assert shown(shift_times(calendar, *in_zone("2026-06-10"))) == [
        ("Early", "10 06:00", "10 14:00"),
        ("Rush", "10 14:00", "10 15:00"),
        ("Late", "10 15:00", "10 22:00"),
        ("More", "10 22:00", "10 23:00"),
    ]
    assert measure(plan(calendar, *in_zone("2026-06-10")))[N] == 7 * HOUR


def test_overtime_on_a_holiday_is_scheduled():
    calendar = Calendar(
        BERLIN,
        THREE,
        (
            differs("holiday", "2026-06-10"),
            differs("overtime", "2026-06-10", starts="22:00", ends="02:00"),
        ),
    )
    assert shown(shift_times(calendar, *in_zone("2026-06-10"))) == [
        ("overtime", "10 22:00", "11 00:00")
    ]
    assert measure(plan(calendar, *in_zone("2026-06-10"))) == {N: 22 * HOUR, S: 2 * HOUR}


def test_no_demand_plans_a_stop_only_where_it_is_scheduled():
    calendar = Calendar(BERLIN, (EARLY,), (differs("no_demand", "2026-06-10", "2026-06-11"),))
    assert measure(plan(calendar, *in_zone("2026-06-10"))) == {P: 8 * HOUR, N: 16 * HOUR}
    assert shift_at(calendar, utc("2026-06-11T10:00")).name == "Early"


# Days on which the clock changes


@pytest.mark.parametrize(("day", "length"), [("2026-03-28", 7), ("2026-10-24", 9)])
def test_a_night_shift_is_as_long_as_the_clock_makes_it(day, length):
    calendar = Calendar(BERLIN, THREE)
    start = moment(date.fromisoformat(day), time(23), BERLIN)
    night = shift_at(calendar, start)
    assert (night.name, night.ended_at - night.started_at) == ("Night", length * HOUR)
    assert len(hours(night.started_at, night.ended_at, BERLIN)) == length


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        (BERLIN, date(2026, 3, 29), time(2, 0), "2026-03-29T01:00"),
        (BERLIN, date(2026, 3, 29), time(2, 30), "2026-03-29T01:00"),
        (BERLIN, date(2026, 3, 29), time(3, 0), "2026-03-29T01:00"),
        (BERLIN, date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
        (BERLIN, date(2026, 10, 25), time(3, 0), "2026-10-25T02:00"),
        (LORD_HOWE, date(2026, 10, 4), time(2, 15), "2026-10-03T15:30"),
        (LORD_HOWE, date(2026, 4, 5), time(1, 45), "2026-04-04T14:45"),
        (KATHMANDU, date(2026, 6, 15), time(6, 0), "2026-06-15T00:15"),
        # Midnight was left out, and once a whole day.
        (ZoneInfo("America/Sao_Paulo"), date(2018, 11, 4), time.min, "2018-11-04T03:00"),
        (ZoneInfo("Pacific/Apia"), date(2011, 12, 30), time(12), "2011-12-30T10:00"),
    ],
)
def test_a_wall_time_left_out_is_the_jump_and_one_that_comes_twice_is_the_first(
    zone, day, wall, expected
):
    assert moment(day, wall, zone) == utc(expected)


def test_a_shift_that_the_clock_leaves_out_is_none():
    calendar = Calendar(BERLIN, (pattern("Short", "02:00", "02:30"),))
    assert shift_times(calendar, *in_zone("2026-03-29")) == []
    assert len(shift_times(calendar, *in_zone("2026-03-28"))) == 1


def test_a_break_that_the_clock_leaves_out_is_none():
    assert measure(plan(Calendar(BERLIN, (NIGHT,)), *in_zone("2026-03-29"))) == {
        S: 7 * HOUR,
        N: 16 * HOUR,
    }


def test_a_day_without_a_date_belongs_to_nobody():
    apia = ZoneInfo("Pacific/Apia")
    found = shift_times(Calendar(apia), utc("2011-12-29T12:00"), utc("2011-12-31T12:00"))
    assert [each.day.day for each in found] == [29, 31, 1]
    gone = Calendar(apia, (), (differs("holiday", "2011-12-30"),))
    assert shift_times(gone, utc("2011-12-29T12:00"), utc("2011-12-31T12:00")) == found


@pytest.mark.parametrize(
    ("zone", "day", "count", "odd"),
    [
        (BERLIN, "2026-03-29", 23, []),
        (BERLIN, "2026-10-25", 25, []),
        (NEW_YORK, "2026-11-01", 25, []),
        (LORD_HOWE, "2026-04-05", 25, [30 * MINUTE]),
        (LORD_HOWE, "2026-10-04", 24, [30 * MINUTE]),
        (KATHMANDU, "2026-06-15", 24, []),
    ],
)
def test_a_day_is_cut_at_the_full_hours_of_its_clock(zone, day, count, odd):
    parts = hours(*in_zone(day, zone), zone)
    assert len(parts) == count
    assert [end - start for start, end in parts if end - start != HOUR] == odd


def test_the_hours_of_a_quarter_zone_are_not_those_of_utc():
    start = utc("2026-06-15T00:00:30.000007")
    assert hours(start, utc("2026-06-15T01:30"), KATHMANDU) == [
        (start, utc("2026-06-15T00:15")),
        (utc("2026-06-15T00:15"), utc("2026-06-15T01:15")),
        (utc("2026-06-15T01:15"), utc("2026-06-15T01:30")),
    ]


# Breaks that cannot be


@pytest.mark.parametrize(
    ("shift", "breaks", "wrong"),
    [
        (("06:00", "14:00"), [("06:00", "06:30"), ("13:30", "14:00")], []),
        (("22:00", "06:00"), [("23:45", "00:15"), ("05:30", "06:00")], []),
        (("06:00", "06:00"), [("05:30", "06:00"), ("06:00", "06:15")], []),
        (
            ("06:00", "14:00"),
            [("05:45", "06:15")],
            ["Break 05:45-06:15 is not within the shift 06:00-14:00."],
        ),
        (
            ("22:00", "06:00"),
            [("05:45", "06:15"), ("05:00", "06:00")],
            [
                "Break 05:45-06:15 is not within the shift 22:00-06:00.",
                "Break 05:45-06:15 overlaps Break 05:00-06:00.",
            ],
        ),
    ],
)
def test_breaks_lie_within_their_shift_and_apart(shift, breaks, wrong):
    starts, ends = map(time.fromisoformat, shift)
    pauses = [Pause("Break", time.fromisoformat(a), time.fromisoformat(b)) for a, b in breaks]
    assert wrong_breaks(starts, ends, pauses) == wrong


# Properties

walls = st.sampled_from(range(24 * 12)).map(lambda five: time(five // 12, five % 12 * 5))
# What a clock change must not break is most often broken by what lies near it.
near = st.sampled_from(
    [time(0), time(1, 30), time(1, 45), time(2), time(2, 15), time(2, 30), time(3)]
)
times = walls | near


@st.composite
def places(draw):
    """A zone, and a day close to a change of its clock."""
    zone = draw(st.sampled_from(list(CHANGES)))
    day = draw(st.sampled_from(CHANGES[zone])) + draw(st.integers(-2, 2)) * DAY
    return zone, day


@st.composite
def moments(draw, day):
    """Within two days of noon. Sampled, since drawn numbers keep close to zero."""
    quarters = draw(st.sampled_from(range(-192, 193)))
    beside = draw(st.sampled_from([0, 0, 1, 999_999, 61_000_007]))
    noon = datetime.combine(day, time(12), UTC)
    return noon + quarters * 15 * MINUTE + timedelta(microseconds=beside)


@st.composite
def calendars(draw, zone, day):
    patterns = draw(
        st.just(list(THREE))
        | st.lists(
            st.builds(
                Pattern,
                name=st.sampled_from("ABC"),
                weekdays=st.frozensets(st.integers(1, 7), min_size=1),
                starts=times,
                ends=times,
                breaks=st.lists(
                    st.builds(Pause, st.just("Break"), times, times), max_size=2
                ).map(tuple),
            ),
            max_size=3,
        )
    )
    days = st.integers(-3, 3).map(lambda number: day + number * DAY)
    both = st.tuples(times, times) | st.just((None, None))
    differences = draw(
        st.lists(
            st.builds(
                lambda kind, name, ends, wall: Difference(
                    kind=kind,
                    name=name,
                    first_day=min(ends),
                    last_day=max(ends),
                    starts=wall[0],
                    ends=wall[1],
                ),
                st.sampled_from(["holiday", "overtime", "no_demand"]),
                st.sampled_from("XYZ"),
                st.tuples(days, days),
                both,
            ),
            max_size=3,
        )
    )
    return Calendar(zone, tuple(patterns), tuple(differences))


@st.composite
def windows(draw, cuts=0):
    """A calendar and moments around a change of the clock, in order."""
    zone, day = draw(places())
    ordered = sorted(draw(st.sets(moments(day), min_size=2 + cuts, max_size=2 + cuts)))
    return draw(calendars(zone, day)), ordered


@st.composite
def rounds(draw):
    """Shifts that make up a day of 24 hours by the wall clock."""
    zone, day = draw(places())
    cuts = sorted(draw(st.sets(times, min_size=1, max_size=5)))
    patterns = tuple(
        Pattern(name=f"{number}", weekdays=EVERY_DAY, starts=starts, ends=ends)
        for number, (starts, ends) in enumerate(zip(cuts, [*cuts[1:], cuts[0]], strict=True))
    )
    return Calendar(zone, patterns), sorted(draw(st.sets(moments(day), min_size=2, max_size=2)))


quick = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=100,
    # Without shrinking: the faults put in on purpose below would take minutes.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@quick
@given(windows())
def test_the_plan_covers_the_window_exactly(case):
    calendar, (start, end) = case
    found = shifts.plan(calendar, start, end)
    assert (found[0].started_at, found[-1].ended_at) == (start, end)
    for before, after in pairwise(found):
        assert before.ended_at == after.started_at
        assert before.what != after.what
    assert all(part.length > timedelta() for part in found)


@quick
@given(windows(cuts=1))
def test_cutting_a_window_anywhere_gives_the_same_plan(case):
    calendar, (start, cut, end) = case
    parts = shifts.plan(calendar, start, cut) + shifts.plan(calendar, cut, end)
    assert merge(parts) == shifts.plan(calendar, start, end)


@quick
@given(windows())
def test_what_is_kept_of_a_calendar_says_what_a_fresh_one_says(case):
    calendar, (start, end) = case
    first, last = shifts._days(calendar.zone, start, end)
    equal = Calendar(calendar.zone, tuple(calendar.patterns), tuple(calendar.differences))
    assert hash(equal) == hash(calendar)
    for _ in range(2):
        assert laid_out(equal, first, last) == laid_out.__wrapped__(calendar, first, last)
    # One that differs in a single row is another one, whatever is kept.
    another = Calendar(calendar.zone, (*calendar.patterns, EARLY), calendar.differences)
    assert laid_out(another, first, last) == laid_out.__wrapped__(another, first, last)


@quick
@given(windows(cuts=1))
def test_cutting_a_window_anywhere_gives_the_same_shifts(case):
    calendar, (start, cut, end) = case
    whole = shifts.shift_times(calendar, start, end)
    left = shifts.shift_times(calendar, start, cut)
    right = shifts.shift_times(calendar, cut, end)
    assert left == [each for each in whole if each.started_at < cut]
    assert right == [each for each in whole if each.ended_at > cut]


@quick
@given(windows())
def test_what_is_scheduled_lies_in_a_shift(case):
    calendar, (start, end) = case
    found = shifts.shift_times(calendar, start, end)
    for part in shifts.plan(calendar, start, end):
        if part.what is not N:
            inside = [
                Stretch(None, max(each.started_at, part.started_at), ended)
                for each in found
                if (ended := min(each.ended_at, part.ended_at))
                > max(each.started_at, part.started_at)
            ]
            assert (
                sum((each.length for each in shifts._union(inside)), timedelta()) == part.length
            )


@quick
@given(windows())
def test_the_hours_of_a_shift_are_the_shift(case):
    calendar, (start, end) = case
    for shift in shifts.shift_times(calendar, start, end):
        parts = shifts.hours(shift.started_at, shift.ended_at, calendar.zone)
        assert (parts[0][0], parts[-1][1]) == (shift.started_at, shift.ended_at)
        assert all(before[1] == after[0] for before, after in pairwise(parts))
        assert all(timedelta() < ended - began <= HOUR for began, ended in parts)
        for _, cut in parts[:-1]:
            wall = cut.astimezone(calendar.zone)
            just_before = (cut - timedelta(microseconds=1)).astimezone(calendar.zone)
            changes = just_before.utcoffset() != wall.utcoffset()
            assert changes or (wall.minute, wall.second, wall.microsecond) == (0, 0, 0)


@quick
@given(rounds())
def test_shifts_of_a_whole_day_cover_every_moment_exactly_once(case):
    calendar, (start, end) = case
    found = shifts.shift_times(calendar, start, end)
    assert found[0].started_at <= start
    assert found[-1].ended_at >= end
    assert all(before.ended_at == after.started_at for before, after in pairwise(found))
    assert shifts.plan(calendar, start, end) == [Stretch(S, start, end)]


@quick
@given(st.data(), st.sampled_from([KATHMANDU, UTC_ZONE]))
def test_where_the_clock_never_changes_the_plan_is_what_the_wall_says(data, zone):
    day = date(2026, 6, 15)
    calendar = data.draw(calendars(zone, day))
    at = data.draw(moments(day))
    wall = at.astimezone(zone).replace(tzinfo=None)

    def holds(starts, ends, first):
        """Whether the wall shows a time between those two, beginning on the day `first`."""
        began = datetime.combine(first, starts)
        ended = datetime.combine(first, ends)
        return began <= wall < (ended if ended > began else ended + DAY)

    def differing(kind):
        return any(
            holds(each.starts or time.min, each.ends or time.min, each.first_day + DAY * number)
            for each in calendar.differences
            if each.kind == kind
            for number in range((each.last_day - each.first_day).days + 1)
        )

    on_shift = on_break = not calendar.patterns
    on_break = False
    for each in calendar.patterns:
        for back in (0, 1):
            first = wall.date() - back * DAY
            if first.isoweekday() in each.weekdays and holds(each.starts, each.ends, first):
                on_shift = True
                on_break |= any(
                    holds(
                        pause.starts,
                        pause.ends,
                        first + DAY * (pause.starts < each.starts),
                    )
                    for pause in each.breaks
                )
    if differing("holiday"):
        on_shift = on_break = False
    scheduled = P if on_break or differing("no_demand") else S
    expected = scheduled if on_shift or differing("overtime") else N
    (found,) = plan(calendar, at, at + timedelta(microseconds=1))
    assert found.what is expected


# Each property catches a fault that was put in on purpose.


def last_showing(day, starts, ends, zone):
    """Where the clock shows a time twice, what begins takes the first and what ends the second."""
    there = datetime.combine(day if ends > starts else day + DAY, ends, zone)
    began, ended = moment(day, starts, zone), there.replace(fold=1).astimezone(UTC)
    return Stretch(None, began, ended) if began < ended else None


FAULTS = {
    "the last microsecond is nobody's": (
        "plan",
        lambda calendar, start, end: plan(calendar, start, end - timedelta(microseconds=1)),
        test_the_plan_covers_the_window_exactly,
    ),
    "a plan forgets the night that reaches into the window": (
        "MARGIN",
        timedelta(),
        test_cutting_a_window_anywhere_gives_the_same_plan,
    ),
    "a list forgets what begins on the edge of the window": (
        "MARGIN",
        -DAY,
        test_cutting_a_window_anywhere_gives_the_same_shifts,
    ),
    "only shifts that begin in the window are of it": (
        "shift_times",
        lambda calendar, start, end: [
            each for each in shift_times(calendar, start, end) if each.started_at >= start
        ],
        test_what_is_scheduled_lies_in_a_shift,
    ),
    "hours of another clock": (
        "hours",
        lambda start, end, zone: hours(start, end, UTC_ZONE),
        test_the_hours_of_a_shift_are_the_shift,
    ),
    "what comes twice begins with the first and ends with the second": (
        "_between",
        last_showing,
        test_shifts_of_a_whole_day_cover_every_moment_exactly_once,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_put_in_on_purpose_is_caught(name, monkeypatch):
    attribute, broken, found_by = FAULTS[name]
    monkeypatch.setattr(shifts, attribute, broken)
    # What was kept without the fault would hide it, and what is kept with it would show it to others.
    monkeypatch.setattr(shifts, "laid_out", shifts.laid_out.__wrapped__)
    with pytest.raises(AssertionError):
        found_by()
