"""The calendar of a line comes from its rows, and a change takes back what the old one settled."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ms5.accounts.models import AuditEntry
from production.actions.calendar import drop, keep_exception, keep_shift
from production.calendars import calendar_of, calendars
from production.models import (
    Break,
    CalendarException,
    LineAccess,
    Settlement,
    Shift,
    Span,
    TimeTally,
)
from production.refusals import NotAllowed
from production.shifts import plan, shift_times
from production.timeline import measure
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = datetime(2026, 6, 10, tzinfo=UTC)


def shift(site, name="Early", starts=6, ends=14, *, line=None, breaks=(), **fields):
    row = Shift.objects.create(
        site=site, line=line, name=name, starts=time(starts), ends=time(ends % 24), **fields
    )
    for began, ended in breaks:
        Break.objects.create(
            shift=row, starts=time.fromisoformat(began), ends=time.fromisoformat(ended)
        )
    return row


def planned(line):
    """Return the hours of the day by what is planned."""
    lengths = measure(plan(calendar_of(line), DAY, DAY + 24 * HOUR))
    return {what.value: length / HOUR for what, length in lengths.items()}


def test_a_line_without_shifts_is_scheduled_all_the_time():
    assert planned(factories.line()) == {"scheduled": 24}


def test_the_shifts_of_a_site_are_those_of_its_lines():
    line = factories.line()
    shift(line.area.site, breaks=[("10:00", "10:30"), ("12:00", "12:15")])
    shift(line.area.site, "Late", 14, 22)
    assert planned(line) == {"scheduled": 15.25, "planned": 0.75, "not_scheduled": 8}
    found = shift_times(calendar_of(line), DAY, DAY + 24 * HOUR)
    assert [(each.name, each.started_at.hour) for each in found] == [("Early", 6), ("Late", 14)]


def test_a_line_with_shifts_of_its_own_has_none_of_its_sites():
    line = factories.line()
    other = factories.line(area=line.area)
    shift(line.area.site)
    shift(line.area.site, "Short", 8, 10, line=line)
    assert planned(line) == {"scheduled": 2, "not_scheduled": 22}
    assert planned(other) == {"scheduled": 8, "not_scheduled": 16}


def test_exceptions_of_the_site_and_of_the_line_hold_together():
    line = factories.line()
    other = factories.line(area=line.area)
    shift(line.area.site)
    day = {"site": line.area.site, "first_day": DAY.date(), "last_day": DAY.date()}
    CalendarException.objects.create(
        **day, kind="overtime", name="Rush", starts=time(14), ends=time(16)
    )
    CalendarException.objects.create(
        **day, kind="no_demand", name="No orders", line=line, starts=time(12), ends=time(15)
    )
    assert planned(line) == {"scheduled": 7, "planned": 3, "not_scheduled": 14}
    assert planned(other) == {"scheduled": 10, "not_scheduled": 14}


def test_the_wall_clock_is_that_of_the_site():
    line = factories.line(time_zone="Asia/Kathmandu")
    shift(line.area.site)
    (found,) = shift_times(calendar_of(line), DAY, DAY + 2 * HOUR)
    assert found.started_at == datetime(2026, 6, 10, 0, 15, tzinfo=UTC)


def test_a_row_says_its_days_and_until_when_it_holds():
    line = factories.line()
    shift(
        line.area.site,
        weekdays="3",
        first_day=date(2026, 6, 10),
        last_day=date(2026, 6, 23),
    )
    found = shift_times(calendar_of(line), DAY - 720 * HOUR, DAY + 720 * HOUR)
    assert [each.day.day for each in found] == [10, 17]


@pytest.mark.parametrize("count", [1, 6])
def test_three_queries_whatever_the_number_of_lines(count):
    lines = [factories.line() for _ in range(count)]
    for line in lines:
        for name in ("Early", "Late"):
            shift(line.area.site, name, breaks=[("10:00", "10:30"), ("11:00", "11:30")])
        shift(line.area.site, line=line)
    with CaptureQueriesContext(connection) as queries:
        found = calendars(lines)
    assert len(queries) == 3
    assert set(found) == {line.pk for line in lines}
    assert all(len(each.patterns) == 1 for each in found.values())


def test_a_row_that_was_changed_holds_from_the_next_look_on():
    """What is kept of calendars between two ticks is kept by what they say."""
    line, other = factories.line(), factories.line()
    first = shift(line.area.site, breaks=[("10:00", "10:30")])
    shift(other.area.site, line=other)
    assert planned(line) == {"scheduled": 7.5, "planned": 0.5, "not_scheduled": 16}
    Break.objects.update(ends=time(11))
    assert planned(line) == {"scheduled": 7, "planned": 1, "not_scheduled": 16}
    Shift.objects.filter(pk=first.pk).update(ends=time(15))
    assert planned(line) == {"scheduled": 8, "planned": 1, "not_scheduled": 15}
    holiday = CalendarException.objects.create(
        site=line.area.site, line=line, kind="holiday", name="x", first_day=DAY, last_day=DAY
    )
    assert planned(line) == {"not_scheduled": 24}
    holiday.delete()
    assert planned(line) == {"scheduled": 8, "planned": 1, "not_scheduled": 15}
    assert planned(other) == {"scheduled": 8, "not_scheduled": 16}


def test_lines_that_produce_alike_share_their_calendar():
    line = factories.line()
    shift(line.area.site)
    beside = factories.line(area=line.area)
    apart = factories.line(area=line.area)
    CalendarException.objects.create(
        site=line.area.site, line=apart, kind="holiday", name="x", first_day=DAY, last_day=DAY
    )
    found = calendars([line, beside, apart])
    assert found[line.pk] is found[beside.pk]
    assert found[line.pk] is calendar_of(beside)
    assert found[apart.pk] != found[line.pk]


def test_no_lines_have_no_calendars():
    assert calendars([]) == {}


# What cannot be


def test_a_line_of_another_site_is_refused():
    line, other = factories.line(), factories.line()
    row = Shift(site=line.area.site, line=other, name="X", starts=time(6), ends=time(14))
    with pytest.raises(ValidationError, match="is not of this site"):
        row.full_clean()
    day = {"first_day": DAY.date(), "last_day": DAY.date()}
    exception = CalendarException(
        site=line.area.site, line=other, kind="holiday", name="X", **day
    )
    with pytest.raises(ValidationError, match="is not of this site"):
        exception.full_clean()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"starts": time(6)}, "Say both times"),
        ({"ends": time(6)}, "Say both times"),
        ({"last_day": date(2026, 6, 9)}, "The last day is before the first"),
    ],
)
def test_an_exception_that_cannot_be_is_refused_with_a_sentence(fields, sentence):
    values = {"first_day": DAY.date(), "last_day": DAY.date()} | fields
    row = CalendarException(site=factories.site(), kind="holiday", name="X", **values)
    with pytest.raises(ValidationError, match=sentence):
        row.full_clean()


def test_breaks_that_overlap_or_lie_outside_are_refused_and_nothing_is_kept():
    row = Shift(site=factories.site(), name="X", starts=time(22), ends=time(6))
    breaks = [
        Break(starts=time(23), ends=time(0, 30)),
        Break(starts=time(0), ends=time(1)),
        Break(starts=time(5, 45), ends=time(6, 15)),
    ]
    with pytest.raises(ValidationError) as refused:
        keep_shift(row, breaks, actor=factories.user("engineer"))
    assert refused.value.messages == [
        "Break 00:00-01:00 overlaps Break 23:00-00:30.",
        "Break 05:45-06:15 is not within the shift 22:00-06:00.",
    ]
    assert (Shift.objects.count(), AuditEntry.objects.count()) == (0, 0)


# What a change takes back


def settled(machine, began=DAY - 240 * HOUR, until=DAY + 240 * HOUR):
    """Let the machine run from `began` on, with a tally a day that is settled until `until`."""
    Span.objects.create(equipment=machine, state="running", started_at=began)
    at = began
    while at < until:
        TimeTally.objects.create(equipment=machine, started_at=at, running_us=900_000_000)
        at += 24 * HOUR
    Settlement.objects.create(equipment=machine, until=until)


def kept(machine):
    """Return how many tallies are settled still, and until when."""
    row = Settlement.objects.filter(equipment=machine).first()
    return TimeTally.objects.filter(equipment=machine).count(), row and row.until


def test_a_first_shift_takes_back_everything_and_another_one_from_its_first_day():
    machine = factories.equipment()
    site, actor = machine.line.area.site, factories.user("engineer")
    settled(machine)
    first = Shift(site=site, name="X", starts=time(6), ends=time(14), first_day=DAY.date())
    keep_shift(first, [], actor=actor)
    assert kept(machine) == (0, None)

    Span.objects.all().delete()
    settled(machine)
    second = Shift(site=site, name="Y", starts=time(14), ends=time(22), first_day=DAY.date())
    keep_shift(second, [], actor=actor)
    assert kept(machine) == (10, DAY)


def test_an_exception_takes_back_its_line_from_its_first_day_before_and_after():
    machine = factories.equipment()
    beside = factories.equipment(line=factories.line(area=machine.line.area))
    elsewhere = factories.equipment()
    for each in (machine, beside, elsewhere):
        settled(each)
    row = CalendarException(
        site=machine.line.area.site,
        line=machine.line,
        kind="holiday",
        name="X",
        first_day=DAY.date(),
        last_day=DAY.date(),
    )
    actor = factories.user("engineer")
    keep_exception(row, actor=actor)
    assert (kept(machine)[0], kept(beside)[0], kept(elsewhere)[0]) == (10, 20, 20)

    # Moved to a later day, what it was has to be taken back as well; then for the whole site.
    TimeTally.objects.filter(equipment=machine).delete()
    Span.objects.filter(equipment=machine).delete()
    Settlement.objects.filter(equipment=machine).delete()
    settled(machine)
    row.first_day = row.last_day = (DAY + 48 * HOUR).date()
    keep_exception(row, actor=actor)
    assert kept(machine) == (10, DAY)
    row.line = None
    keep_exception(row, actor=actor)
    assert (kept(beside), kept(elsewhere)[0]) == ((12, DAY + 48 * HOUR), 20)
    drop(row, actor=actor)
    assert CalendarException.objects.count() == 0


def test_what_is_kept_and_dropped_is_written_down_with_its_breaks():
    line, actor = factories.line(), factories.user("engineer")
    row = Shift(site=line.area.site, line=line, name="X", starts=time(6), ends=time(14))
    keep_shift(row, [Break(starts=time(8), ends=time(9))], actor=actor)
    again = Shift.objects.get()
    keep_shift(again, [Break(starts=time(8), ends=time(9))], actor=actor)
    keep_shift(again, [], actor=actor)
    drop(again, actor=actor)
    entries = AuditEntry.objects.order_by("pk")
    assert [each.action for each in entries] == ["shift.add", "shift.change", "shift.delete"]
    assert entries[0].after["breaks"] == ["Break 08:00-09:00"]
    assert (entries[1].before, entries[1].after) == (
        {"breaks": ["Break 08:00-09:00"]},
        {"breaks": []},
    )
    assert {each.line_id for each in entries} == {line.code}


def test_who_does_not_see_every_line_of_a_site_changes_none_of_its_shifts():
    line = factories.line()
    factories.line(area=line.area)
    actor = factories.user("engineer", all_lines=False)
    LineAccess.objects.create(user=actor, line=line)
    of_site = Shift(site=line.area.site, name="X", starts=time(6), ends=time(14))
    with pytest.raises(NotAllowed):
        keep_shift(of_site, [], actor=actor)
    own = Shift(site=line.area.site, line=line, name="X", starts=time(6), ends=time(14))
    keep_shift(own, [], actor=actor)
    own.line = None
    with pytest.raises(NotAllowed):
        keep_shift(own, [], actor=actor)
    assert Shift.objects.get().line == line
