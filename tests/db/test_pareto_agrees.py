"""The Pareto takes its time from the leaves of the account: loss by loss the same, to the microsecond."""

from datetime import time, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ms5.accounts.roles import Role
from production import processors
from production.accounting import accounts
from production.actions import lose, observe, set_context
from production.actions.downtimes import say_reason
from production.choices import Loss
from production.models import Break, Changeover, Downtime, LossTally, Reason, Shift
from production.oee import STOPS, Bucket
from production.pareto import BYS, UNASSIGNED, pareto
from production.settling import settle, unsettle
from tests.factories import at, equipment, ideal_cycle, line, observation, product, user

pytestmark = pytest.mark.django_db
BUCKETS = {
    Loss.STOP: STOPS,
    Loss.CHANGEOVER: (Bucket.CHANGEOVER,),
    Loss.PLANNED: (Bucket.PLANNED,),
}


def of_account(machines, start, end, now):
    """Return the lengths by loss, from spans alone."""
    found = accounts(machines, at(start), at(end), now, exact=True).values()
    return {
        loss: sum((each.of(*buckets) for each in found), timedelta())
        for loss, buckets in BUCKETS.items()
    }


def of_downtimes(start, end):
    """Return the lengths by loss as whoever adds up downtimes by their reasons has them."""
    lengths = dict.fromkeys(Loss, timedelta())
    for row in Downtime.objects.filter(merged_into=None):
        began, ended = max(row.started_at, at(start)), min(row.ended_at or at(end), at(end))
        loss = Loss(row.reason.loss) if row.reason else Loss.STOP
        lengths[loss] += max(ended - began, timedelta())
    return lengths


def reasons():
    given_ = (
        {"code": "MOTOR", "name": "Motor"},
        {"code": "WAIT", "name": "Waited", "six_loss": "idling"},
        {"code": "CLEAN", "name": "Cleaning", "loss": "planned"},
        {"code": "TURN", "name": "Turned over", "loss": "changeover"},
    )
    return [None, *(Reason.objects.get_or_create(**each)[0] for each in given_)]


def changeover(on, of, start, end):
    Changeover.objects.create(
        line=on.line,
        to_product=of,
        started_at=at(start),
        ended_at=at(end),
        status="completed",
        started_with="person",
        good_needed=1,
    )


def counted(found):
    return sum(row.count for row in (*found.rows, *found.planned))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(10, 1700),
            st.sampled_from(["running", "running", "stopped", "idle", "setup"]),
            st.integers(0, 4),
            st.booleans(),
            st.booleans(),
        ),
        min_size=2,
        max_size=14,
    ),
    st.integers(-1500, 7000),
    st.integers(1, 9000),
    st.integers(1, 8999),
)
def test_the_sum_of_the_pareto_by_loss_is_the_account_to_the_microsecond(
    drawn, start, length, cut
):
    hall, loaf, rye = line(oee_method="sum"), product(), product()
    machines = [equipment(line=hall, stop_after_s=200, no_data_after_s=900) for _ in "12"]
    for on in machines:
        ideal_cycle(loaf, on, "0.7")
        ideal_cycle(rye, on, "1.3", effective_from=at(2000))
    site = hall.area.site
    early = Shift.objects.create(site=site, name="Early", starts=time(9, 50), ends=time(11, 7))
    Shift.objects.create(site=site, name="Late", starts=time(11), ends=time(14))
    Break.objects.create(shift=early, starts=time(10, 22), ends=time(10, 37))
    changeover(machines[0], loaf, 1000.25, 2222)
    said, supervisor = reasons(), user(Role.SHIFT_MANAGER)
    second = 0
    for number, (seconds, state, reason, is_announced, is_lost) in enumerate(drawn):
        on = machines[number % 3 == 2]
        set_context(on, actor=None, at=at(second), planned_stop=is_announced)
        for each in machines:
            seen = state if each == on else "stopped"
            number_ = (loaf, rye)[number % 2].plc_number
            observe([observation(each, second, seen, product_number=number_)])
        second += seconds
        processors.downtime(at(second - 1))
        for row in Downtime.objects.filter(reason=None, equipment__in=machines):
            say_reason(row, said[reason], actor=supervisor, at=at(second))
        if is_lost:
            lose([on.pk], "lost", at(second))
        if number % 3 == 1:
            settle(at(second))
    now, end = at(second), start + length
    pks = [each.pk for each in machines]

    def look(since=start, until=end, by="reason"):
        return pareto(pks, at(since), at(until), now, by=by)

    wanted = of_account(machines, start, end, now)
    for by in BYS:
        found = look(by=by)
        assert found.lengths == wanted, by
        assert sum((row.length for row in found.planned), timedelta()) == wanted[Loss.PLANNED]
        assert (
            sum((row.length for row in found.rows), timedelta())
            == wanted[Loss.STOP] + wanted[Loss.CHANGEOVER]
        )
        assert counted(found) == counted(look())
    parts = [look(until=start + min(cut, length)), look(since=start + min(cut, length))]
    if cut < length:
        assert counted(parts[0]) + counted(parts[1]) == counted(look()), "each counts once"
    with transaction.atomic():
        unsettle(pks, at(-9000))
    assert not LossTally.objects.filter(equipment__in=pks).exists()
    from_leaves = look()
    settle(at(second + 100))
    assert look() == from_leaves
    assert from_leaves.lengths == wanted


def test_a_stop_in_a_changeover_an_announcement_and_a_break_costs_what_the_account_says():
    on, loaf = equipment(is_constraint=True, stop_after_s=60, no_data_after_s=9999), product()
    ideal_cycle(loaf, on, "0.5")
    motor = reasons()[1]
    site = on.line.area.site
    early = Shift.objects.create(site=site, name="Early", starts=time(9), ends=time(18))
    Break.objects.create(shift=early, starts=time(10, 20), ends=time(10, 25))
    set_context(on, actor=None, at=at(0), product=loaf)
    observe([observation(on, 0, "running"), observation(on, 300, "stopped")])
    set_context(on, actor=None, at=at(900), planned_stop=True, planned_stop_reason="Clean")
    set_context(on, actor=None, at=at(1020), planned_stop=False)
    observe([observation(on, 2400, "running"), observation(on, 3600, "running")])
    Downtime.objects.update(reason=motor)
    changeover(on, loaf, 300, 600)
    # 300 to 600 is the changeover's, 900 to 1020 was announced, 1200 to 1500 is the break.
    found = pareto([on.pk], at(0), at(3600), at(3600))
    minutes = {row.code: (row.minutes, row.count) for row in (*found.rows, *found.planned)}
    assert minutes == {"MOTOR": (23.0, 1), "changeover": (5.0, 0), "planned": (7.0, 0)}
    assert {row.code: row.lost_parts for row in found.rows} == {
        "MOTOR": 2760,
        "changeover": 600,
    }
    wanted = of_account([on], 0, 3600, at(3600))
    assert found.lengths == wanted
    # Who adds up downtimes is caught out.
    assert of_downtimes(0, 3600) != wanted


def test_a_stop_that_is_no_downtime_yet_is_unassigned_at_once():
    on = equipment(is_constraint=True, stop_after_s=60, no_data_after_s=9999)
    observe([observation(on, second, "stopped") for second in (0, 60, 61)])
    assert not Downtime.objects.exists()
    (row,) = pareto([on.pk], at(0), at(61), at(61)).rows
    assert (row.name, row.length, row.count) == (UNASSIGNED, timedelta(seconds=61), 0)
    processors.downtime(at(62))
    (row,) = pareto([on.pk], at(0), at(61), at(62)).rows
    assert (row.length, row.count) == (timedelta(seconds=61), 1)
