"""Downtimes: a stop longer than its threshold is one, from its start until it runs again."""

import json
import threading
from datetime import time, timedelta

import msgspec
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction

from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.models import Event
from production import processors, starting
from production.actions import downtimes, observe, silence
from production.actions.context import set_context
from production.actions.corrections import Reasoned, correct
from production.models import (
    Changeover,
    Correction,
    Defect,
    Downtime,
    Equipment,
    IdealCycle,
    Job,
    JobRun,
    Reason,
    Shift,
)
from production.public.downtimes import downtime_of
from production.refusals import ActionRefused, NotAllowed
from production.snapshot import items
from tests import factories
from tests.factories import T0, at, facts_of, fault, observation, user
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db


def machine(stop_after_s=120, **fields):
    return factories.equipment(
        is_constraint=True, stop_after_s=stop_after_s, no_data_after_s=1000, **fields
    )


def see(on, *states, **fields):
    """Let it be seen in states, each (seconds, state)."""
    for seconds, state in states:
        observe([observation(on, seconds, state, **fields)])


def rows(on):
    """Return (began, ended) of its downtimes in order, in seconds after T0."""
    found = on.downtimes.order_by("started_at", "pk")
    return [(_seconds(row.started_at), _seconds(row.ended_at)) for row in found]


def _seconds(moment):
    return None if moment is None else (moment - T0) / timedelta(seconds=1)


def said(on):
    return [fact["data"] for fact in facts_of(on, "downtime_event")]


@pytest.fixture
def reasons():
    starting.load()
    return {row.code: row for row in Reason.objects.all()}


@pytest.fixture
def supervisor():
    return user(Role.SHIFT_MANAGER)


@pytest.fixture
def stopped():
    """A machine that stood from 10 to 310 s, and its downtime."""
    on = machine()
    see(on, (0, "running"), (10, "faulted"), (300, "faulted"), (310, "running"))
    return on.downtimes.get()


# --- detection


def test_a_stop_is_a_downtime_from_its_start_once_it_outlasts_the_threshold():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (130, "stopped"))
    assert processors.downtime(at(130)) == 0  # exactly the threshold is a micro-stop
    see(on, (130.000001, "stopped"))
    assert processors.downtime(at(131)) == 1
    assert rows(on) == [(10, None)]
    assert [data["status"] for data in said(on)] == ["open"]


def test_it_is_announced_once_however_often_the_processor_looks():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    assert [processors.downtime(at(200 + tick)) for tick in range(3)] == [1, 0, 0]
    assert len(said(on)) == 1


def test_the_reading_that_shows_it_running_ends_it_in_the_same_transaction():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    see(on, (220, "running"))
    assert rows(on) == [(10, 220)]
    opened, closed = said(on)
    assert (opened["version"], closed["version"]) == (1, 2)
    assert (closed["status"], closed["duration_seconds"]) == ("closed", 210.0)
    facts = [fact["type"] for fact in facts_of(on)]
    assert facts[-2:] == ["downtime_event", "equipment_state"]


def test_without_any_processor_the_downtime_is_there_when_it_runs_again():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (220, "running"))
    assert rows(on) == [(10, 220)]
    assert [data["status"] for data in said(on)] == ["closed"]


def test_a_micro_stop_makes_no_row_even_at_exactly_the_threshold():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (130, "running"), (140, "idle"), (150, "running"))
    assert rows(on) == []
    assert processors.downtime(at(1000)) == 0


def test_successive_states_are_one_downtime():
    on = machine()
    see(on, (0, "running"), (10, "faulted"), (60, "stopped"), (100, "starved"), (140, "idle"))
    see(on, (200, "running"))
    assert rows(on) == [(10, 200)]


def test_two_stops_are_two_downtimes():
    on = machine(stop_after_s=5)
    see(on, (0, "running"), (10, "stopped"), (20, "running"), (30, "stopped"), (40, "running"))
    assert rows(on) == [(10, 20), (30, 40)]


def test_while_there_is_no_data_an_open_downtime_stays_open():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    assert silence(at(2000)) == 1
    assert processors.downtime(at(2000)) == 0
    assert rows(on) == [(10, None)]
    assert len(said(on)) == 1


def test_what_comes_back_running_had_ended_with_the_last_state_that_was_known():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    see(on, (5000, "running"))
    assert rows(on) == [(10, 200)]


def test_what_comes_back_standing_goes_on_and_time_without_data_is_not_counted():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (100, "stopped"))  # 90 s are known
    see(on, (5000, "stopped"), (5030, "stopped"))  # and 30 s more: exactly the threshold
    assert processors.downtime(at(5030)) == 0
    see(on, (5031, "stopped"))
    assert processors.downtime(at(5031)) == 1
    see(on, (5100, "running"))
    assert rows(on) == [(10, 5100)]


def test_a_stop_that_data_ran_out_on_becomes_a_downtime_as_soon_as_it_is_known_to_be_long():
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    silence(at(2000))
    assert processors.downtime(at(2000)) == 1
    assert rows(on) == [(10, None)]


def test_a_product_may_have_a_threshold_of_its_own():
    on, quick = machine(), factories.product()
    factories.ideal_cycle(quick, on)
    IdealCycle.objects.update(stop_after_s=20)
    see(on, (0, "running"), product_number=quick.plc_number)
    see(on, (10, "stopped"), (31, "stopped"))
    assert processors.downtime(at(31)) == 1
    assert on.downtimes.get().product == quick


def test_the_job_that_ran_when_it_began_is_kept_with_it():
    on = machine()
    job = Job.objects.create(
        line=on.line, number="J1", product=factories.product(), status="running"
    )
    JobRun.objects.create(job=job, started_at=at(-10), ended_at=at(50))
    see(on, (0, "running"), (10, "stopped"), (220, "running"))
    assert on.downtimes.get().job == job
    assert said(on)[0]["job_id"] == job.pk


def test_the_first_out_suggests_the_reason_and_the_category_follows(reasons):
    on = machine()
    see(on, (0, "running"))
    jam = fault("F[1]", "Film broken", reason_code="BELT_BREAK")
    see(on, (10, "faulted"), faults=(jam,))
    see(on, (20, "faulted"), faults=(jam, fault("F[2]", reason_code="MOTOR_FAIL")))
    see(on, (220, "running"), faults=())
    row = on.downtimes.get()
    assert (row.suggested.code, row.reason, row.category) == ("BELT_BREAK", None, "unplanned")
    (data,) = said(on)
    assert (data["suggested_reason_code"], data["fault"]) == ("BELT_BREAK", "Film broken")
    assert data["reason_code"] is None


def test_an_announced_stop_suggests_the_planned_reason_of_that_name(reasons):
    on = machine()
    see(on, (0, "running"))
    actor = user()
    set_context(on, actor=actor, at=at(5), planned_stop=True, planned_stop_reason="cleaning")
    see(on, (10, "stopped"), (220, "running"))
    row = on.downtimes.get()
    assert (row.suggested.code, row.category) == ("CLEANING", "planned")


def test_a_stop_that_begins_in_a_changeover_is_one(reasons):
    on = machine()
    Changeover.objects.create(
        line=on.line,
        to_product=factories.product(),
        started_at=at(5),
        started_with="person",
        good_needed=10,
    )
    see(on, (0, "running"), (10, "stopped"), (220, "running"))
    row = on.downtimes.get()
    assert (row.suggested.code, row.category) == ("CHANGEOVER", "changeover")


def test_a_line_whose_downtimes_fail_does_not_stop_the_others(caplog):
    broken, well = machine(), machine()
    for on in (broken, well):
        see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    # As if edited past all forms: no fact can be about it.
    Equipment.objects.filter(pk=broken.pk).update(code="no code!")
    with pytest.raises(ExceptionGroup):
        processors.downtime(at(200))
    assert (rows(broken), rows(well)) == ([], [(10, None)])


def test_the_database_refuses_downtimes_that_overlap(stopped):
    with pytest.raises(IntegrityError), transaction.atomic():
        Downtime.objects.create(
            equipment=stopped.equipment, started_at=at(300), ended_at=at(400)
        )


def test_a_snapshot_equals_the_facts_folded(reasons, supervisor):
    on = machine()
    wire = lambda: json.loads(msgspec.json.encode(items(on.line)))  # noqa: E731 - said twice
    before, seen = wire(), Event.objects.count()
    see(on, (0, "running"), (10, "faulted"), (220, "running"), (230, "stopped"), (600, "idle"))
    processors.downtime(at(600))
    last = on.downtimes.get(ended_at=None)
    downtimes.say_reason(last, reasons["MOTOR_FAIL"], actor=supervisor, at=at(601))
    downtimes.split(last, at(400), actor=supervisor, at=at(602))
    events = [json.loads(row.text) for row in Event.objects.order_by("pk")[seen:]]
    assert as_set(fold(before, events)) == as_set(wire())
    assert rows(on) == [(10, 220), (230, 400), (400, None)]


# --- what people do


def test_saying_the_reason_sets_it_with_its_category_and_is_audited(reasons, stopped):
    operator = user(Role.OPERATOR)
    row = downtimes.say_reason(
        stopped, reasons["CLEANING"], actor=operator, at=at(320), note="oven"
    )
    assert (row.reason.code, row.category, row.note) == ("CLEANING", "planned", "oven")
    assert (row.reported_by, row.version) == (operator, 2)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.line_id) == (
        "downtime.reason",
        operator,
        stopped.equipment.line.code,
    )
    assert entry.after["reason_id"] == reasons["CLEANING"].pk
    assert said(stopped.equipment)[-1]["reason_code"] == "CLEANING"


def test_saying_it_twice_changes_nothing_the_second_time(reasons, stopped):
    operator = user()
    for _ in range(2):
        row = downtimes.say_reason(stopped, reasons["CLEANING"], actor=operator, at=at(320))
    assert (row.version, AuditEntry.objects.count()) == (2, 1)
    assert len(said(stopped.equipment)) == 2


def test_a_reason_can_be_taken_back_and_the_category_with_it(reasons, stopped, supervisor):
    downtimes.say_reason(stopped, reasons["CLEANING"], actor=supervisor, at=at(320))
    row = downtimes.say_reason(stopped, None, actor=supervisor, at=at(321))
    assert (row.reason, row.category, row.reported_by) == (None, "unplanned", None)


def test_confirming_takes_the_suggestion_where_nobody_has_said_more(reasons, supervisor):
    on = machine()
    see(on, (0, "running"))
    see(on, (10, "faulted"), faults=(fault(reason_code="BELT_BREAK"),))
    see(on, (220, "running"), faults=())
    row = downtimes.confirm(on.downtimes.get(), actor=supervisor, at=at(300))
    assert (row.reason.code, row.confirmed_by, row.confirmed_at) == (
        "BELT_BREAK",
        supervisor,
        at(300),
    )
    assert said(on)[-1]["status"] == "confirmed"
    again = downtimes.confirm(row, actor=supervisor, at=at(301))
    assert (again.confirmed_at, again.version) == (at(300), row.version)


def test_confirming_without_any_reason_is_refused(stopped, supervisor):
    with pytest.raises(ActionRefused) as refused:
        downtimes.confirm(stopped, actor=supervisor, at=at(320))
    assert refused.value.code == "no_reason"


def refusal_of(deed):
    with pytest.raises(ActionRefused) as refused:
        deed()
    return refused.value.code


def test_once_confirmed_only_a_correction_changes_it(reasons, stopped, supervisor):
    cleaning, rework = reasons["CLEANING"], reasons["REWORK"]
    row = downtimes.confirm(stopped, actor=supervisor, at=at(320), reason=cleaning)
    told, by = row.version, {"actor": supervisor, "at": at(322)}
    for deed in (
        lambda: downtimes.say_reason(row, rework, **by),
        lambda: downtimes.say_reason(row, None, **by),
        lambda: downtimes.confirm(row, reason=rework, **by),
        lambda: downtimes.split(row, at(100), **by),
    ):
        assert refusal_of(deed) == "needs_correction"
    row.refresh_from_db()
    assert (row.version, row.reason, Correction.objects.count()) == (told, cleaning, 0)
    with pytest.raises(ActionRefused, match="confirmed"):
        downtimes.say_reason(row, cleaning, note="mine", actor=user(), at=at(322))
    assert downtimes.say_reason(row, cleaning, note="ours", **by).note == "ours"
    correct(
        row.equipment,
        Reasoned(downtime_id=row.pk, reason=rework),
        actor=supervisor,
        at=at(323),
        reason="it was rework",
    )
    row.refresh_from_db()
    assert (row.reason, row.confirmed_at) == (rework, at(323))
    assert Downtime.every.get(superseded_by__isnull=False).reason == cleaning


def test_a_confirmation_taken_back_lets_it_be_changed_again(reasons, stopped, supervisor):
    downtimes.confirm(stopped, actor=supervisor, at=at(320), reason=reasons["CLEANING"])
    row = downtimes.unconfirm(stopped, actor=supervisor, at=at(323))
    assert (row.reason.code, row.confirmed_by, row.confirmed_at) == ("CLEANING", None, None)
    row = downtimes.say_reason(row, reasons["REWORK"], actor=supervisor, at=at(324))
    assert (row.reason.code, Correction.objects.count()) == ("REWORK", 0)


@pytest.mark.parametrize(("change", "over"), [(time(10, 6), 360), (time(10, 5), 14_400)])
def test_once_its_shift_is_over_only_a_correction_changes_what_was_said(
    reasons, stopped, supervisor, change, over
):
    # It stood until 10:05:10: in the shift that it began in, or already in the next, which is then its.
    site = stopped.equipment.line.area.site
    for name, begins, ends in (("Early", time(9), change), ("Late", change, time(14))):
        Shift.objects.create(site=site, name=name, starts=begins, ends=ends)
    cleaning, rework = reasons["CLEANING"], reasons["REWORK"]
    before, after = ({"actor": supervisor, "at": at(over + each)} for each in (-1, 0))
    downtimes.say_reason(stopped, cleaning, **before)
    half = downtimes.split(stopped, at(100), **before)
    second = Downtime.objects.get(started_at=at(100))
    assert refusal_of(lambda: downtimes.say_reason(second, rework, **after)) == (
        "needs_correction"
    )
    assert refusal_of(lambda: downtimes.say_reason(second, None, **after)) == (
        "needs_correction"
    )
    assert refusal_of(lambda: downtimes.merge(half, second, **after)) == "needs_correction"
    assert refusal_of(lambda: downtimes.split(second, at(200), **after)) == "needs_correction"
    # Nothing that was said is changed by these.
    assert downtimes.confirm(second, **after).confirmed_by == supervisor


def test_the_first_reason_may_be_given_however_late(reasons, stopped):
    operator, late = user(Role.OPERATOR), at(9 * 86_400)
    row = downtimes.say_reason(stopped, reasons["CLEANING"], actor=operator, at=late)
    assert row.reason.code == "CLEANING"
    code = refusal_of(
        lambda: downtimes.say_reason(row, reasons["REWORK"], actor=operator, at=late)
    )
    assert code == "needs_correction"


def test_one_that_lasts_is_not_past_however_long(reasons, supervisor):
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    row, late = on.downtimes.get(), at(9 * 86_400)
    downtimes.say_reason(row, reasons["CLEANING"], actor=supervisor, at=late)
    downtimes.say_reason(row, reasons["REWORK"], actor=supervisor, at=late)
    downtimes.split(row, at(100), actor=supervisor, at=late)
    assert rows(on) == [(10, 100), (100, None)]


def test_a_reason_that_is_out_of_use_is_refused(reasons, stopped, supervisor):
    Reason.objects.filter(code="REWORK").update(is_active=False)
    with pytest.raises(ActionRefused) as refused:
        downtimes.say_reason(
            stopped, Reason.objects.get(code="REWORK"), actor=supervisor, at=at(320)
        )
    assert refused.value.code == "inactive"


def test_roles_and_lines_are_asked_for(reasons, stopped):
    cleaning = reasons["CLEANING"]
    for actor in (user(Role.VIEWER), user(Role.SHIFT_MANAGER, all_lines=False)):
        with pytest.raises(NotAllowed):
            downtimes.say_reason(stopped, cleaning, actor=actor, at=at(320))
    operator = user(Role.OPERATOR)
    with pytest.raises(NotAllowed):
        downtimes.confirm(stopped, actor=operator, at=at(320), reason=cleaning)
    with pytest.raises(NotAllowed):
        downtimes.split(stopped, at(100), actor=operator, at=at(320))
    assert AuditEntry.objects.count() == 0
    assert stopped.version == Downtime.objects.get().version


def test_a_split_makes_two_that_touch_and_keep_the_reason(reasons, stopped, supervisor):
    downtimes.say_reason(stopped, reasons["CLEANING"], actor=supervisor, at=at(320))
    downtimes.respond(stopped, actor=supervisor, at=at(321), moment=at(50))
    downtimes.repaired(stopped, actor=supervisor, at=at(321), moment=at(200))
    first = downtimes.split(stopped, at(100), actor=supervisor, at=at(330))
    assert first.pk == stopped.pk
    assert rows(stopped.equipment) == [(10, 100), (100, 310)]
    second = stopped.equipment.downtimes.get(started_at=at(100))
    assert {first.reason.code, second.reason.code} == {"CLEANING"}
    assert (first.confirmed_at, second.confirmed_at) == (None, None)
    assert (first.responded_at, first.repaired_at) == (at(50), None)
    assert (second.responded_at, second.repaired_at) == (None, at(200))
    assert downtimes.split(first, at(100), actor=supervisor, at=at(331)).version == 5
    assert len(rows(stopped.equipment)) == 2


@pytest.mark.parametrize("seconds", [9, 10, 310, 400])
def test_a_split_outside_of_it_is_refused(stopped, supervisor, seconds):
    with pytest.raises(ActionRefused) as refused:
        downtimes.split(stopped, at(seconds), actor=supervisor, at=at(500))
    assert refused.value.code == "outside"
    assert rows(stopped.equipment) == [(10, 310)]


def test_the_second_half_of_one_that_lasts_ends_when_it_runs(supervisor):
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    with pytest.raises(ActionRefused):  # nobody knows yet whether it stands at 250
        downtimes.split(on.downtimes.get(), at(250), actor=supervisor, at=at(260))
    downtimes.split(on.downtimes.get(), at(100), actor=supervisor, at=at(201))
    assert rows(on) == [(10, 100), (100, None)]
    assert processors.downtime(at(202)) == 0
    see(on, (300, "running"))
    assert rows(on) == [(10, 100), (100, 300)]


def test_merging_gives_the_time_to_the_earlier_and_the_later_ends_where_it_began(
    reasons, stopped, supervisor
):
    downtimes.split(stopped, at(100), actor=supervisor, at=at(320))
    second = stopped.equipment.downtimes.get(started_at=at(100))
    downtimes.say_reason(second, reasons["REWORK"], actor=supervisor, at=at(321))
    kept = downtimes.merge(second, stopped, actor=supervisor, at=at(322))
    assert kept.pk == stopped.pk
    assert rows(stopped.equipment) == [(10, 310), (100, 100)]
    assert kept.reason.code == "REWORK"
    *_, gone, whole = said(stopped.equipment)
    assert (gone["merged_into"], gone["duration_seconds"]) == (stopped.pk, 0.0)
    assert whole["duration_seconds"] == 300.0
    assert (
        downtimes.merge(stopped, second, actor=supervisor, at=at(323)).version == kept.version
    )
    with pytest.raises(ActionRefused) as refused:
        downtimes.say_reason(second, None, actor=supervisor, at=at(324))
    assert refused.value.code == "merged"


def test_the_halves_of_one_that_lasts_can_be_merged_and_it_lasts_again(supervisor):
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
    processors.downtime(at(200))
    first = downtimes.split(on.downtimes.get(), at(100), actor=supervisor, at=at(201))
    second = on.downtimes.get(ended_at=None)
    downtimes.merge(first, second, actor=supervisor, at=at(202))
    assert rows(on) == [(10, None), (100, 100)]
    see(on, (300, "running"))
    assert rows(on) == [(10, 300), (100, 100)]


def test_what_ran_in_between_or_is_of_another_machine_is_not_merged(stopped, supervisor):
    on = stopped.equipment
    see(on, (400, "stopped"), (700, "running"))
    second = on.downtimes.get(started_at=at(400))
    with pytest.raises(ActionRefused) as refused:
        downtimes.merge(stopped, second, actor=supervisor, at=at(800))
    assert refused.value.code == "ran_between"
    other = machine()
    see(other, (0, "running"), (10, "stopped"), (220, "running"))
    for stranger in (other.downtimes.get(), stopped):
        with pytest.raises(ActionRefused) as refused:
            downtimes.merge(stopped, stranger, actor=supervisor, at=at(800))
        assert refused.value.code == "not_neighbours"


def test_only_neighbours_are_merged(stopped, supervisor):
    downtimes.split(stopped, at(200), actor=supervisor, at=at(320))
    downtimes.split(stopped, at(100), actor=supervisor, at=at(321))
    third = stopped.equipment.downtimes.get(started_at=at(200))
    with pytest.raises(ActionRefused) as refused:
        downtimes.merge(stopped, third, actor=supervisor, at=at(322))
    assert refused.value.code == "not_neighbours"


def test_coming_and_mending_are_said_once_and_in_order(stopped, supervisor):
    row = downtimes.respond(stopped, actor=supervisor, at=at(320), moment=at(60))
    assert row.responded_at == at(60)
    again = downtimes.respond(stopped, actor=supervisor, at=at(330))
    assert (again.responded_at, again.version) == (at(60), row.version)
    for moment in (at(59), at(401)):
        with pytest.raises(ActionRefused):
            downtimes.repaired(stopped, actor=supervisor, at=at(400), moment=moment)
    assert downtimes.repaired(stopped, actor=supervisor, at=at(400)).repaired_at == at(400)


def test_of_two_who_decided_by_the_same_version_the_second_is_told_of_the_first(
    reasons, stopped, supervisor
):
    downtimes.confirm(
        stopped, actor=supervisor, at=at(320), reason=reasons["REWORK"], version=1
    )
    with pytest.raises(ActionRefused) as refused:
        downtimes.split(stopped, at(100), actor=supervisor, at=at(321), version=1)
    assert refused.value.code == "changed"
    assert downtime_of(refused.value.row).status == "confirmed"


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins_and_the_other_is_refused(supervisor):
    starting.load()
    on = machine()
    see(on, (0, "running"), (10, "stopped"), (220, "running"))
    row = on.downtimes.get()
    cleaning, rework = Reason.objects.filter(code__in=["CLEANING", "REWORK"])
    together, told = threading.Barrier(2), []

    def run(reason):
        together.wait()
        try:
            downtimes.confirm(row, actor=supervisor, at=at(300), reason=reason, version=1)
            told.append("done")
        except ActionRefused as refused:
            told.append(refused.code)
        finally:
            connections.close_all()

    in_threads(run, [cleaning, rework])
    assert sorted(told) == ["changed", "done"]
    assert on.downtimes.get().version == 2
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_processors_and_a_reading_at_once_make_one_downtime():
    for _ in range(5):
        on = machine()
        see(on, (0, "running"), (10, "stopped"), (200, "stopped"))
        together = threading.Barrier(3)

        def run(deed, together=together):
            together.wait()
            try:
                deed()
            finally:
                connections.close_all()

        in_threads(
            run,
            [
                lambda: processors.downtime(at(200)),
                lambda: processors.downtime(at(200)),
                lambda on=on: see(on, (210, "running")),
            ],
        )
        assert rows(on) == [(10, 210)]
        assert [data["status"] for data in said(on)][-1] == "closed"
        assert len(said(on)) <= 2


def in_threads(run, arguments):
    failures = []

    def guarded(argument):
        try:
            run(argument)
        except Exception as error:  # noqa: BLE001 - asserted on below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(each,)) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# --- the starting set


def test_the_starting_set_is_the_27_reasons_in_their_groups_and_the_8_defects(capsys):
    call_command("load_starting_values")
    assert "34 reasons and 8 defects" in capsys.readouterr().out
    assert Reason.objects.filter(parent=None).count() == 7
    assert Reason.objects.exclude(parent=None).count() == 27
    assert Defect.objects.count() == 8
    losses = dict(Reason.objects.exclude(loss="stop").values_list("code", "loss"))
    assert losses == {
        "PLANNED": "planned",
        "MAINTENANCE": "planned",
        "CHANGEOVER": "changeover",
        "CLEANING": "planned",
        "INSPECTION": "planned",
        "BREAK_TIME": "planned",
    }
    minutes = Reason.objects.exclude(escalate_after_min=None)
    assert dict(minutes.values_list("code", "escalate_after_min")) == {
        "MECH_FAULT": 15,
        "ELEC_FAULT": 10,
        "PLC_FAULT": 5,
        "MAT_SHORTAGE": 30,
        "MAT_JAM": 20,
        "UPSTREAM_STOP": 60,
        "DOWNSTREAM_STOP": 60,
        "UNKNOWN": 30,
    }
    for reason in Reason.objects.all():
        reason.full_clean()


def test_loading_it_again_overwrites_nothing_that_people_edited(capsys):
    call_command("load_starting_values")
    Reason.objects.filter(code="MOTOR_FAIL").update(name="Engine", is_active=False, parent=None)
    Reason.objects.get(code="REWORK").delete()
    call_command("load_starting_values")
    assert "1 reasons and 0 defects" in capsys.readouterr().out
    edited = Reason.objects.get(code="MOTOR_FAIL")
    assert (edited.name, edited.is_active, edited.parent) == ("Engine", False, None)
