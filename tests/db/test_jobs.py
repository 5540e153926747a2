"""Jobs as people move them: guarded, idempotent, audited; each move with its fact, each race one winner."""

import json
import threading

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.models import Event
from production.actions import jobs, observe
from production.models import Changeover, Context, Job, JobRun, LineAccess
from production.refusals import ActionRefused, NotAllowed
from production.snapshot import items
from tests.factories import at, equipment, good_count, line, observation, product, user
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db


class Floor:
    """A line with its constraint, a supervisor and an operator."""

    def __init__(self):
        self.machine = equipment(is_constraint=True)
        self.line = self.machine.line
        self.boss = user(Role.SHIFT_MANAGER)
        self.operator = user()
        self.loaf = product()
        self._numbers = iter(range(1, 1000))

    def plan(self, seconds=0, **order):
        order.setdefault("number", f"{self.line.code}/{next(self._numbers)}")
        return jobs.plan(
            self.line, actor=self.boss, at=at(seconds), **{"product": self.loaf} | order
        )

    def assigned(self, **order):
        return jobs.assign(self.plan(**order), self.operator, actor=self.boss, at=at(1))

    def running(self, seconds=2, **order):
        return jobs.start(self.assigned(**order), actor=self.operator, at=at(seconds))

    def queue(self):
        rows = Job.objects.filter(line=self.line, position__isnull=False).order_by("position")
        return list(rows.values_list("pk", "position"))

    def facts(self):
        rows = Event.objects.filter(line_id=self.line.code).order_by("seq")
        return [json.loads(row.text) for row in rows]

    def said(self):
        return [
            (fact["type"], fact["data"]["status"], fact["data"]["version"])
            for fact in self.facts()
            if fact["type"].startswith("job_")
        ]


@pytest.fixture
def floor():
    return Floor()


def runs(job):
    return [
        (each.started_at, each.ended_at)
        for each in JobRun.objects.filter(job=job).order_by("started_at")
    ]


def test_a_job_goes_its_way_and_each_step_is_said(floor):
    job = floor.plan(target=100)
    job = jobs.assign(job, floor.operator, actor=floor.boss, at=at(1))
    job = jobs.accept(job, actor=floor.operator, at=at(2))
    job = jobs.start(job, actor=floor.operator, at=at(3))
    job = jobs.pause(job, "no film", actor=floor.operator, at=at(4))
    assert (job.paused_at, job.pause_reason) == (at(4), "no film")
    job = jobs.resume(job, actor=floor.operator, at=at(5))
    assert (job.paused_at, job.pause_reason) == (None, "")
    job = jobs.complete(job, actor=floor.operator, at=at(6))
    assert floor.said() == [
        ("job_assigned", "planned", 1),
        ("job_assigned", "assigned", 2),
        ("job_assigned", "accepted", 3),
        ("job_started", "running", 4),
        ("job_started", "paused", 5),
        ("job_started", "running", 6),
        ("job_completed", "completed", 7),
    ]
    assert runs(job) == [(at(3), at(4)), (at(5), at(6))]
    stored = Job.objects.get()
    assert (stored.assigned_at, stored.accepted_at, stored.started_at, stored.ended_at) == (
        at(1),
        at(2),
        at(3),
        at(6),
    )
    deeds = AuditEntry.objects.filter(subject_type="production.job").order_by("pk")
    assert [(each.action, each.actor_name, each.line_id) for each in deeds] == [
        (f"job.{verb}", str(who), floor.line.code)
        for verb, who in (
            ("plan", floor.boss),
            ("assign", floor.boss),
            ("accept", floor.operator),
            ("start", floor.operator),
            ("pause", floor.operator),
            ("resume", floor.operator),
            ("complete", floor.operator),
        )
    ]
    assert deeds[4].before == {"status": "running", "paused_at": None, "pause_reason": ""} | {
        "version": 4
    }


def test_a_fact_tells_the_whole_job(floor):
    floor.running(target=200, completes_at_target=True, note="with care")
    data = [fact for fact in floor.facts() if fact["type"] == "job_started"][-1]["data"]
    assert data == {
        "id": Job.objects.get().pk,
        "number": f"{floor.line.code}/1",
        "status": "running",
        "product_code": floor.loaf.code,
        "product": floor.loaf.name,
        "target": 200,
        "completes_at_target": True,
        "good": 0,
        "reject": 0,
        "progress": 0.0,
        "why": None,
        "position": None,
        "operator_id": floor.operator.pk,
        "operator": str(floor.operator),
        "by": str(floor.operator),
        "planned_start_at": None,
        "planned_end_at": None,
        "assigned_at": "2026-11-23T10:00:01Z",
        "accepted_at": None,
        "started_at": "2026-11-23T10:00:02Z",
        "paused_at": None,
        "ended_at": None,
        "pause_reason": None,
        "cancel_reason": None,
        "note": "with care",
        "version": 3,
    }


def test_what_is_so_already_is_done_once(floor):
    job = floor.running()
    said, deeds = len(floor.facts()), AuditEntry.objects.count()
    again = jobs.start(job, actor=floor.operator, at=at(9))
    assert (again.status, again.started_at, again.version) == ("running", at(2), job.version)
    jobs.assign(job, floor.operator, actor=floor.boss, at=at(9))
    job = jobs.pause(job, "x", actor=floor.operator, at=at(10))
    jobs.pause(job, "y", actor=floor.operator, at=at(11))
    job = jobs.complete(job, actor=floor.operator, at=at(12))
    jobs.complete(job, actor=floor.boss, at=at(13))
    assert len(floor.facts()) == said + 2
    assert AuditEntry.objects.count() == deeds + 2
    assert runs(job) == [(at(2), at(10))]


def test_only_its_operator_or_a_supervisor_moves_a_job(floor):
    job = floor.assigned()
    for stranger in (user(), user(Role.VIEWER), user(Role.MAINTENANCE)):
        for move in (jobs.accept, jobs.start, jobs.pause, jobs.resume, jobs.complete):
            with pytest.raises(NotAllowed, match="is not yours"):
                move(job, actor=stranger, at=at(2))
    assert jobs.start(job, actor=floor.boss, at=at(2)).status == "running"
    for refused in (
        lambda: jobs.cancel(job, "why", actor=floor.operator, at=at(3)),
        lambda: jobs.change(job, target=5, actor=floor.operator, at=at(3)),
        lambda: jobs.assign(job, floor.operator, actor=floor.operator, at=at(3)),
        lambda: jobs.unassign(job, actor=floor.operator, at=at(3)),
        lambda: jobs.reorder(floor.line, [], actor=floor.operator, at=at(3)),
        lambda: jobs.plan(
            floor.line, number="X", product=floor.loaf, actor=floor.operator, at=at(3)
        ),
    ):
        with pytest.raises(NotAllowed, match="for the supervisors"):
            refused()


def test_a_supervisor_of_other_lines_moves_nothing(floor):
    foreign = user(Role.SHIFT_MANAGER, all_lines=False)
    LineAccess.objects.create(user=foreign, line=line())
    job = floor.assigned()
    with pytest.raises(NotAllowed):
        jobs.start(job, actor=foreign, at=at(2))
    with pytest.raises(NotAllowed):
        jobs.cancel(job, "why", actor=foreign, at=at(2))


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"role": Role.VIEWER}, {"all_lines": False}]
)
def test_a_job_is_given_only_to_who_does_jobs_on_its_line(floor, change):
    somebody = user()
    for name, value in change.items():
        setattr(somebody, name, value)
    somebody.save()
    with pytest.raises(ActionRefused, match="does no jobs on") as refused:
        jobs.assign(floor.plan(), somebody, actor=floor.boss, at=at(1))
    assert (refused.value.code, refused.value.row) == ("no_operator", None)


def test_a_move_that_the_status_forbids_is_refused_with_the_job(floor):
    planned = floor.plan()
    with pytest.raises(
        ActionRefused, match="is planned: assign it to an operator first"
    ) as refused:
        jobs.start(planned, actor=floor.boss, at=at(1))
    assert (refused.value.code, refused.value.row) == ("wrong_status", planned)
    over = jobs.complete(floor.running(), actor=floor.operator, at=at(3))
    with pytest.raises(ActionRefused, match="it is over and cannot be paused"):
        jobs.pause(over, actor=floor.operator, at=at(4))
    with pytest.raises(ActionRefused, match="it is over and cannot be changed"):
        jobs.change(over, target=5, actor=floor.boss, at=at(4))


def test_a_version_that_is_not_the_present_one_is_refused(floor):
    job = floor.assigned()
    with pytest.raises(ActionRefused) as refused:
        jobs.start(job, actor=floor.operator, at=at(2), version=1)
    assert (refused.value.code, refused.value.row.version) == ("changed", 2)
    assert jobs.start(job, actor=floor.operator, at=at(2), version=2).version == 3


def test_a_line_runs_one_job(floor):
    first, second = floor.running(), floor.assigned()
    other = user()
    second = jobs.assign(second, other, actor=floor.boss, at=at(3))
    with pytest.raises(ActionRefused, match=f"Job {first.number} runs on") as refused:
        jobs.start(second, actor=other, at=at(4))
    assert (refused.value.code, refused.value.row) == ("line_busy", first)
    jobs.pause(first, actor=floor.operator, at=at(5))
    jobs.start(second, actor=other, at=at(6))
    with pytest.raises(ActionRefused, match=f"Job {second.number} runs on"):
        jobs.resume(first, actor=floor.operator, at=at(7))


def test_an_operator_runs_one_job(floor):
    first = floor.running()
    elsewhere = Floor()
    job = jobs.assign(elsewhere.plan(), floor.operator, actor=elsewhere.boss, at=at(1))
    with pytest.raises(ActionRefused, match=f"runs job {first.number}") as refused:
        jobs.start(job, actor=floor.operator, at=at(2))
    assert (refused.value.code, refused.value.row) == ("operator_busy", first)
    theirs = elsewhere.running()
    with pytest.raises(ActionRefused, match=f"runs job {first.number}"):
        jobs.assign(theirs, floor.operator, actor=elsewhere.boss, at=at(3))


def test_a_job_on_a_foreign_line_is_not_named(floor):
    first = floor.running()
    elsewhere = Floor()
    limited = user(Role.SHIFT_MANAGER, all_lines=False)
    LineAccess.objects.create(user=limited, line=elsewhere.line)
    job = jobs.assign(elsewhere.plan(), floor.operator, actor=elsewhere.boss, at=at(1))
    with pytest.raises(ActionRefused, match="a job on another line") as refused:
        jobs.start(job, actor=limited, at=at(2))
    assert refused.value.row == job
    assert first.number not in refused.value.sentence


def test_a_running_job_can_be_handed_over(floor):
    job = jobs.assign(floor.running(), relief := user(), actor=floor.boss, at=at(5))
    assert (job.status, job.operator) == ("running", relief)
    assert jobs.complete(job, actor=relief, at=at(6)).status == "completed"


def test_what_is_taken_back_is_planned_and_accepted_anew(floor):
    job = jobs.accept(floor.assigned(), actor=floor.operator, at=at(2))
    job = jobs.unassign(job, actor=floor.boss, at=at(3))
    assert (job.status, job.operator, job.assigned_at, job.accepted_at) == (
        "planned",
        None,
        None,
        None,
    )
    job = jobs.assign(job, floor.operator, actor=floor.boss, at=at(4))
    assert (job.status, job.position) == ("assigned", 1)


def test_a_cancelled_job_has_a_reason(floor):
    job = floor.running()
    with pytest.raises(ActionRefused, match="Say why"):
        jobs.cancel(job, " ", actor=floor.boss, at=at(3))
    job = jobs.cancel(job, "customer called", actor=floor.boss, at=at(4))
    assert (job.status, job.cancel_reason, job.ended_at) == (
        "cancelled",
        "customer called",
        at(4),
    )
    assert runs(job) == [(at(2), at(4))]
    assert floor.said()[-1] == ("job_cancelled", "cancelled", 4)


def test_the_queue_is_dense_and_what_begins_or_goes_leaves_it(floor):
    one, two, three, four = (floor.plan() for _ in range(4))
    assert floor.queue() == [(one.pk, 1), (two.pk, 2), (three.pk, 3), (four.pk, 4)]
    wanted = [four.pk, one.pk, three.pk, two.pk]
    jobs.reorder(floor.line, wanted, actor=floor.boss, at=at(1))
    assert floor.queue() == [(pk, number) for number, pk in enumerate(wanted, 1)]
    jobs.cancel(one, "not needed", actor=floor.boss, at=at(2))
    jobs.assign(three, floor.operator, actor=floor.boss, at=at(3))
    jobs.start(three, actor=floor.operator, at=at(4))
    assert floor.queue() == [(four.pk, 1), (two.pk, 2)]
    assert floor.plan().position == 3


def test_an_order_of_other_jobs_is_refused_with_the_line(floor):
    one, two = floor.plan(), floor.plan()
    for ids in ([one.pk], [one.pk, one.pk], [one.pk, two.pk, 999_999], [one.pk, 999_999]):
        with pytest.raises(ActionRefused) as refused:
            jobs.reorder(floor.line, ids, actor=floor.boss, at=at(1))
        assert (refused.value.code, refused.value.row) == ("queue_changed", floor.line)
    said = len(floor.facts())
    jobs.reorder(floor.line, [one.pk, two.pk], actor=floor.boss, at=at(1))
    assert len(floor.facts()) == said


def test_a_number_is_given_once(floor):
    job = floor.plan(number="PO-1")
    with pytest.raises(ActionRefused, match="a job PO-1 already") as refused:
        floor.plan(number="PO-1")
    assert refused.value.row == job
    second = floor.plan(number="PO-2")
    with pytest.raises(ActionRefused, match="a job PO-1 already"):
        jobs.change(second, number="PO-1", actor=floor.boss, at=at(1))


def test_what_is_wanted_is_changed_before_it_begins(floor):
    job = floor.plan(target=10)
    job = jobs.change(job, target=20, note="more", actor=floor.boss, at=at(1))
    assert (job.target, job.note, job.version) == (20, "more", 2)
    assert jobs.change(job, target=20, actor=floor.boss, at=at(2)).version == 2
    with pytest.raises(ValidationError):
        jobs.change(job, target=0, actor=floor.boss, at=at(3))
    with pytest.raises(ActionRefused, match="before the planned start"):
        jobs.change(
            job, planned_start_at=at(9), planned_end_at=at(8), actor=floor.boss, at=at(3)
        )


def test_starting_tells_the_line_its_product(floor):
    follower = equipment(line=floor.line)
    told = equipment(line=floor.line)
    named = product()
    observe([observation(told, 0, product_number=named.plc_number)])
    floor.running()
    products = dict(Context.objects.values_list("equipment", "product"))
    assert products == {
        floor.machine.pk: floor.loaf.pk,
        follower.pk: floor.loaf.pk,
        told.pk: named.pk,
    }
    observe([observation(told, 5, product_number=floor.loaf.plc_number)])
    assert Context.objects.get(pk=told.pk).product == floor.loaf
    assert Changeover.objects.count() == 0


def test_a_job_with_another_product_begins_a_changeover(floor):
    jobs.complete(floor.running(), actor=floor.operator, at=at(5))
    floor.loaf = product()
    job = floor.running(seconds=10)
    changeover = Changeover.objects.get()
    assert (changeover.to_product, changeover.job, changeover.started_at) == (
        floor.loaf,
        job,
        at(10),
    )


def test_a_clock_that_went_back_ends_no_run_before_it_began(floor):
    job = floor.running(seconds=10)
    job = jobs.pause(job, actor=floor.operator, at=at(7))
    job = jobs.resume(job, actor=floor.operator, at=at(6))
    job = jobs.complete(job, actor=floor.operator, at=at(5))
    assert runs(job) == [(at(10), at(10)), (at(10), at(10))]
    assert job.ended_at == at(10)


def snapshot(of):
    return json.loads(msgspec.json.encode(items(of)))


def test_the_facts_folded_are_the_snapshot_after_every_step(floor):
    first, second = floor.plan(target=50), floor.plan(product=product())
    boss, operator = floor.boss, floor.operator
    machine = floor.machine
    steps = [
        lambda: jobs.assign(first, operator, actor=boss, at=at(1)),
        lambda: jobs.reorder(floor.line, [second.pk, first.pk], actor=boss, at=at(1)),
        lambda: jobs.assign(second, boss, actor=boss, at=at(2)),
        lambda: jobs.start(first, actor=operator, at=at(3)),
        lambda: observe([observation(machine, 4, counters=(good_count(100),))]),
        lambda: observe([observation(machine, 5, counters=(good_count(110),))]),
        lambda: jobs.note(first, "soft dough", actor=operator, at=at(6)),
        lambda: observe([observation(machine, 7, counters=(good_count(112),))]),
        lambda: jobs.pause(first, "break", actor=operator, at=at(8)),
        lambda: jobs.start(second, actor=boss, at=at(9)),
        lambda: observe([observation(machine, 10, counters=(good_count(130),))]),
        lambda: jobs.cancel(second, "enough", actor=boss, at=at(11)),
        lambda: jobs.resume(first, actor=operator, at=at(12)),
        lambda: jobs.complete(first, actor=operator, at=at(13)),
    ]
    for step in steps:
        before, seen = snapshot(floor.line), len(floor.facts())
        step()
        folded = fold(before, floor.facts()[seen:])
        assert as_set(folded) == as_set(snapshot(floor.line))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_of_two_starts_at_once_one_wins_and_the_other_names_it():
    floors = [Floor() for _ in range(2)]
    operator = floors[0].operator
    for _ in range(8):
        both = [
            jobs.assign(floors[0].plan(), operator, actor=floors[0].boss, at=at(1)),
            jobs.assign(floors[1].plan(), operator, actor=floors[1].boss, at=at(1)),
        ]
        told = at_once(lambda job: jobs.start(job, actor=operator, at=at(2)), both)
        won = [each for each in told if isinstance(each, Job)]
        (lost,) = [each for each in told if not isinstance(each, Job)]
        assert isinstance(lost, ActionRefused)
        assert (lost.code, lost.row) == ("operator_busy", won[0])
        assert Job.objects.filter(status="running").count() == 1
        jobs.complete(won[0], actor=operator, at=at(3))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_of_two_starts_on_a_line_without_equipment_one_wins():
    packing = line()
    boss, loaf = user(Role.SHIFT_MANAGER), product()
    crew = [user() for _ in range(4)]
    given = [
        jobs.assign(
            jobs.plan(packing, number=f"N{number}", product=loaf, actor=boss, at=at(0)),
            who,
            actor=boss,
            at=at(1),
        )
        for number, who in enumerate(crew)
    ]
    told = at_once(lambda job: jobs.start(job, actor=boss, at=at(2)), given)
    won = [each for each in told if isinstance(each, Job)]
    assert len(won) == 1
    refused = [each for each in told if isinstance(each, ActionRefused)]
    assert [(each.code, each.row) for each in refused] == [("line_busy", won[0])] * 3
    queue = Job.objects.filter(position__isnull=False).values_list("position", flat=True)
    assert sorted(queue) == [1, 2, 3]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_jobs_planned_at_once_stand_one_behind_another():
    floor = Floor()
    told = at_once(
        lambda number: jobs.plan(
            floor.line, number=number, product=floor.loaf, actor=floor.boss, at=at(0)
        ),
        ["A", "B", "C", "C", "D", "D"],
    )
    assert sorted(position for _, position in floor.queue()) == [1, 2, 3, 4]
    refused = [each for each in told if isinstance(each, ActionRefused)]
    assert [each.code for each in refused] == ["number_taken"] * 2


def at_once(deed, given):
    """Do the deed with each in a thread of its own; return what it returned or raised."""
    told = [None] * len(given)
    ready = threading.Barrier(len(given))

    def work(place, what):
        try:
            ready.wait(10)
            told[place] = deed(what)
        except Exception as error:  # noqa: BLE001 - what it was is asserted
            told[place] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=work, args=(place, what)) for place, what in enumerate(given)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    return told
