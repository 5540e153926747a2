"""The Pareto and the mean times: exact minutes, counts and lost parts of the downtimes of a window."""

from datetime import time, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ms5.accounts.roles import Role
from production import processors, starting
from production.actions import downtimes, observe, silence
from production.actions.context import set_context
from production.models import Break, Downtime, Reason, Shift
from production.pareto import pareto
from production.reliability import reliable
from tests import factories
from tests.factories import T0, at, observation, user

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.fixture(autouse=True)
def reasons():
    starting.load()
    return {row.code: row for row in Reason.objects.all()}


@pytest.fixture
def supervisor():
    return user(Role.SHIFT_MANAGER)


def machine(**fields):
    return factories.equipment(
        is_constraint=True, stop_after_s=60, no_data_after_s=9999, **fields
    )


def run(on, *stops, end=HOUR):
    """Let it run from 0 to `end` seconds, save for the stops, each (from, to)."""
    seen = [observation(on, 0, "running")]
    for began, ended in stops:
        seen += [observation(on, began, "stopped"), observation(on, ended, "running")]
    observe([*seen, observation(on, end, "running")])


def say(on, began, reason, actor):
    row = on.downtimes.get(started_at=at(began))
    return downtimes.say_reason(row, reason, actor=actor, at=at(HOUR))


def ranks(rows):
    return [(row.code, row.minutes, row.count) for row in rows]


def test_minutes_counts_and_shares_by_reason_with_what_is_unassigned_first(reasons, supervisor):
    on = machine()
    run(on, (0.5, 300.5), (600, 1200), (1300, 1600), (1700, 1820))
    say(on, 600, reasons["MOTOR_FAIL"], supervisor)
    say(on, 1300, reasons["MOTOR_FAIL"], supervisor)
    say(on, 1700, reasons["CLEANING"], supervisor)
    found = pareto([on.pk], T0, at(HOUR), at(HOUR))
    assert ranks(found.rows) == [(None, 5.0, 1), ("MOTOR_FAIL", 15.0, 2)]
    assert [(row.name, row.share, row.cumulative_share) for row in found.rows] == [
        ("Unassigned", 0.25, 0.25),
        ("Motor failed", 0.75, 1.0),
    ]
    assert ranks(found.planned) == [("CLEANING", 2.0, 1)]
    assert found.unassigned_minutes == 5.0


def test_a_stop_across_the_edge_gives_each_window_its_part_and_counts_where_it_began():
    on = machine()
    run(on, (1200, 3000))
    edge = at(1800)
    before = pareto([on.pk], T0, edge, at(HOUR))
    after = pareto([on.pk], edge, at(HOUR), at(HOUR))
    assert (ranks(before.rows), ranks(after.rows)) == ([(None, 10.0, 1)], [(None, 20.0, 0)])


def test_micro_stops_stand_apart():
    on = machine()
    run(on, (100, 130), (200, 260), (300, 400))
    found = pareto([on.pk], T0, at(HOUR), at(HOUR))
    assert (found.small_stops, found.small_stop_minutes) == (2, 1.5)
    assert ranks(found.rows) == [(None, 100 / 60, 1)]


def test_time_without_data_is_not_counted():
    on = factories.equipment(is_constraint=True, stop_after_s=60, no_data_after_s=400)
    observe([observation(on, 0, "running"), observation(on, 10, "stopped")])
    observe([observation(on, 310, "stopped")])
    silence(at(1000))
    observe([observation(on, 1800, "stopped"), observation(on, 1860, "running")])
    (row,) = Downtime.objects.all()
    assert (row.started_at, row.ended_at) == (at(10), at(1860))
    assert ranks(pareto([on.pk], T0, at(HOUR), at(HOUR)).rows) == [(None, 6.0, 1)]


def test_one_that_lasts_counts_as_far_as_it_is_known():
    on = machine()
    run(on, end=10)
    observe([observation(on, 60, "stopped"), observation(on, 180, "stopped")])
    processors.downtime(at(200))
    assert ranks(pareto([on.pk], T0, at(HOUR), at(500)).rows) == [(None, 2.0, 1)]


def test_lost_parts_are_the_time_by_the_ideal_cycle_of_its_product_exactly(supervisor, reasons):
    on, loaf, other = machine(), factories.product(), factories.product()
    factories.ideal_cycle(loaf, on, "0.7")
    set_context(on, actor=None, at=T0, product=loaf)
    run(on, (100, 300), end=400)
    say(on, 100, reasons["MOTOR_FAIL"], supervisor)
    (row,) = pareto([on.pk], T0, at(HOUR), at(HOUR)).rows
    assert row.lost_parts == Fraction(2000, 7)
    set_context(on, actor=None, at=at(450), product=other)
    observe([observation(on, 500, "stopped"), observation(on, 700, "running")])
    motor_fail, unassigned = None, None
    for found in pareto([on.pk], T0, at(HOUR), at(HOUR)).rows:
        if found.code is None:
            unassigned = found
        else:
            motor_fail = found
    assert motor_fail.lost_parts == Fraction(2000, 7)
    assert unassigned.lost_parts is None


def test_by_category_equipment_and_product(reasons, supervisor):
    hall = factories.line()
    first, second = (
        factories.equipment(line=hall, stop_after_s=60, no_data_after_s=9999) for _ in "12"
    )
    loaf = factories.product()
    set_context(first, actor=None, at=T0, product=loaf)
    run(first, (100, 220))
    run(second, (100, 340), (400, 640))
    say(second, 100, reasons["CHANGEOVER"], supervisor)
    both = [first.pk, second.pk]

    def by(what):
        return ranks(pareto(both, T0, at(HOUR), at(HOUR), by=what).rows)

    assert by("category") == [("unplanned", 6.0, 2), ("changeover", 4.0, 1)]
    assert by("equipment") == [(second.code, 8.0, 2), (first.code, 2.0, 1)]
    assert by("product") == [(None, 8.0, 2), (loaf.code, 2.0, 1)]


def test_by_shift_a_stop_belongs_to_each_by_its_time_and_breaks_cost_nothing():
    on = machine()
    site = on.line.area.site
    early = Shift.objects.create(site=site, name="Early", starts=time(6), ends=time(10, 30))
    Shift.objects.create(site=site, name="Late", starts=time(10, 30), ends=time(18))
    Break.objects.create(shift=early, starts=time(10, 5), ends=time(10, 10))
    # T0 is 10:00; a stop wholly in the break, and one from 10:20 to 10:50.
    run(on, (330, 570), (1200, 3000))
    assert on.downtimes.count() == 2
    found = pareto([on.pk], T0, at(HOUR), at(HOUR), by="shift")
    assert ranks(found.rows) == [("Late", 20.0, 0), ("Early", 10.0, 1)]
    assert ranks(pareto([on.pk], T0, at(HOUR), at(HOUR)).rows) == [(None, 30.0, 1)]


def test_a_merged_one_is_not_there_and_a_split_one_twice(supervisor, reasons):
    on = machine()
    run(on, (600, 1200))
    row = on.downtimes.get()
    downtimes.split(row, at(900), actor=supervisor, at=at(HOUR))
    assert ranks(pareto([on.pk], T0, at(HOUR), at(HOUR)).rows) == [(None, 10.0, 2)]
    second = on.downtimes.get(started_at=at(900))
    downtimes.merge(row, second, actor=supervisor, at=at(HOUR))
    assert ranks(pareto([on.pk], T0, at(HOUR), at(HOUR)).rows) == [(None, 10.0, 1)]


def test_the_queries_are_as_many_for_twenty_machines_as_for_one():
    hall = factories.line()
    many = [
        factories.equipment(line=hall, stop_after_s=60, no_data_after_s=9999) for _ in range(20)
    ]
    for on in many:
        run(on, (600, 1200))

    def queries(pks):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            pareto(pks, T0, at(HOUR), at(HOUR))
        return len(seen)

    assert queries([many[0].pk]) == queries([each.pk for each in many]) <= 30


def test_mean_times_are_of_failures_and_each_names_what_it_means(reasons, supervisor):
    on = machine()
    run(on, (600, 1200), (1500, 1800), (2000, 2600), (2700, 2800))
    for began in (600, 1500):
        row = say(on, began, reasons["MOTOR_FAIL"], supervisor)
        downtimes.respond(row, actor=supervisor, at=at(HOUR), moment=at(began + 60))
        downtimes.repaired(row, actor=supervisor, at=at(HOUR), moment=at(began + 180))
    say(on, 2000, reasons["MAT_SHORTAGE"], supervisor)
    found = reliable([on.pk], T0, at(HOUR), at(HOUR))
    means = found.means
    assert (means.failures, found.unassigned) == (2, 1)
    assert means.run == timedelta(seconds=HOUR - 600 - 300 - 600 - 100)
    assert means.between_failures.length == timedelta(seconds=1000)
    assert (means.to_respond.length, means.to_respond.count) == (timedelta(minutes=1), 2)
    assert means.to_repair.length == timedelta(minutes=2)
    assert means.to_restore.length == timedelta(seconds=450)


def test_without_failures_the_mean_times_are_null_and_say_why():
    on = machine()
    run(on)
    means = reliable([on.pk], T0, at(HOUR), at(HOUR)).means
    for mean in (means.between_failures, means.to_respond, means.to_repair, means.to_restore):
        assert (mean.length, mean.count, mean.why) == (None, 0, "nothing failed")
