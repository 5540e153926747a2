"""What people do to a job: each move one transaction, guarded, idempotent, audited, with its fact.

Locks: conditions of the line where it begins to run, then the line's queue, then jobs, then changeovers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict, Unpack

from django.db import IntegrityError

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import job_queue, job_rows
from production.actions.changeovers import begin_for_job
from production.actions.context import set_context
from production.actions.job_guards import (
    demand_free,
    demand_move,
    demand_operator,
    demand_own,
    demand_supervisor,
    stands_against,
)
from production.actions.job_queue import plan, reorder
from production.actions.lines import locked
from production.choices import JobStatus
from production.jobs import OVER, QUEUED, Move
from production.models import Condition, Equipment, Job, Product
from production.refusals import ActionRefused

__all__ = [
    "accept",
    "assign",
    "cancel",
    "change",
    "complete",
    "note",
    "pause",
    "plan",
    "reorder",
    "resume",
    "start",
    "unassign",
]


class Changes(TypedDict, total=False):
    """What of a job can be changed before it begins; what is left out stays as it is."""

    number: str
    product: Product
    target: int | None
    completes_at_target: bool
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    note: str


@retried
def change(
    job: Job,
    *,
    actor: User,
    at: datetime,
    version: int | None = None,
    **changes: Unpack[Changes],
) -> Job:
    """Change what is wanted and return the job. What is so already is no change."""
    with recording():
        job = _held(job)
        demand_supervisor(actor, job.line)
        demand_move(job, Move.CHANGE, version)
        before = audit.public_fields(job)
        for name, value in changes.items():
            if name not in Changes.__annotations__:
                raise TypeError(f"of a job {name} does not change")
            setattr(job, name, value)
        if audit.public_fields(job) == before:
            return job
        job_queue.demand_number(job.number, actor, but=job.pk)
        job_queue.check(job)
        _write(job, "change", before, actor, at)
    return job


@retried
def note(job: Job, text: str, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Note something about a job that is not over, and return it."""
    with recording():
        job = _held(job)
        demand_own(actor, job)
        if job.note == text:
            return job
        demand_move(job, Move.CANCEL, version)  # possible as long as it is not over
        before = audit.public_fields(job)
        job.note = text
        job_queue.check(job)
        _write(job, "note", before, actor, at)
    return job


def assign(
    job: Job, operator: User, *, actor: User, at: datetime, version: int | None = None
) -> Job:
    """Give it to an operator, also from another one, and return it; one that has begun goes on.

    Raises NotAllowed, and ActionRefused for who does no jobs on the line or, where it runs, runs another.
    """
    return _or_refused(job, actor, lambda: _assign(job, operator, actor, at, version), operator)


@retried
def _assign(job: Job, operator: User, actor: User, at: datetime, version: int | None) -> Job:
    with recording():
        job = _held(job)
        demand_supervisor(actor, job.line)
        if job.operator_id == operator.pk and job.status not in OVER:
            return job
        demand_move(job, Move.ASSIGN, version)
        demand_operator(operator, job)
        before = audit.public_fields(job)
        job.operator = operator
        job.assigned_at = at
        if job.status in QUEUED:
            job.status = JobStatus.ASSIGNED
            job.accepted_at = None
        elif job.status == JobStatus.RUNNING:
            demand_free(job, actor)
        _write(job, "assign", before, actor, at)
    return job


@retried
def unassign(job: Job, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Take it back from its operator and return it: it is planned again."""
    with recording():
        job = _held(job)
        demand_supervisor(actor, job.line)
        if job.status == JobStatus.PLANNED:
            return job
        demand_move(job, Move.UNASSIGN, version)
        before = audit.public_fields(job)
        job.status = JobStatus.PLANNED
        job.operator = job.assigned_at = job.accepted_at = None
        _write(job, "unassign", before, actor, at)
    return job


@retried
def accept(job: Job, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Say that its operator will do it, and return it."""
    with recording():
        job = _held(job)
        demand_own(actor, job)
        if job.status == JobStatus.ACCEPTED:
            return job
        demand_move(job, Move.ACCEPT, version)
        before = audit.public_fields(job)
        job.status = JobStatus.ACCEPTED
        job.accepted_at = at
        _write(job, "accept", before, actor, at)
    return job


def start(job: Job, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Let it run from `at` on and return it; it leaves the queue, and the line makes its product.

    Equipment that does not take its product from a controller is told it. Another product than the
    line's constraint has begins a changeover. Raises NotAllowed, and ActionRefused with the job that runs
    on the line or is run by its operator.
    """
    return _or_refused(job, actor, lambda: _run(job, Move.START, actor, at, version))


def resume(job: Job, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Let a paused one go on and return it; otherwise as `start`."""
    return _or_refused(job, actor, lambda: _run(job, Move.RESUME, actor, at, version))


@retried
def _run(job: Job, move: Move, actor: User, at: datetime, version: int | None) -> Job:
    with recording():
        equipment = list(Equipment.objects.filter(line=job.line_id).order_by("pk"))
        conditions = locked(each.pk for each in equipment)
        job = _held(job)
        demand_own(actor, job)
        if job.status == JobStatus.RUNNING:
            return job
        demand_move(job, move, version)
        demand_free(job, actor)
        before = audit.public_fields(job)
        job_rows.begin_run(job, job_rows.not_before(job, at))
        _write(job, move.value, before, actor, at)
        job_queue.close(job.line, actor, at)
        _make(job, equipment, conditions, actor, at)
    return job


def _make(
    job: Job,
    equipment: list[Equipment],
    conditions: dict[int, Condition],
    actor: User,
    at: datetime,
) -> None:
    """Let the line make the job's product; a controller that names one goes on to be believed."""
    begin_for_job(job, at)
    for each in equipment:
        if conditions[each.pk].product_number is None:
            set_context(each, actor=actor, at=at, product=job.product)


@retried
def pause(
    job: Job, reason: str = "", *, actor: User, at: datetime, version: int | None = None
) -> Job:
    """Let it rest, with a reason, and return it: what the line makes meanwhile is not of it."""
    with recording():
        job = _held(job)
        demand_own(actor, job)
        if job.status == JobStatus.PAUSED:
            return job
        demand_move(job, Move.PAUSE, version)
        before = audit.public_fields(job)
        at = job_rows.not_before(job, at)
        job_rows.end_run(job, at)
        job.status = JobStatus.PAUSED
        job.paused_at = at
        job.pause_reason = reason
        job_queue.check(job)
        _write(job, "pause", before, actor, at)
    return job


@retried
def complete(job: Job, *, actor: User, at: datetime, version: int | None = None) -> Job:
    """Say that it is done, whatever its target, and return it."""
    with recording():
        job = _held(job)
        demand_own(actor, job)
        if job.status == JobStatus.COMPLETED:
            return job
        demand_move(job, Move.COMPLETE, version)
        before = audit.public_fields(job)
        at = job_rows.not_before(job, at)
        job_rows.finish(job, JobStatus.COMPLETED, at)
        _write(job, "complete", before, actor, at)
    return job


@retried
def cancel(
    job: Job, reason: str, *, actor: User, at: datetime, version: int | None = None
) -> Job:
    """Call it off, with a reason, and return it. Raises ActionRefused without one."""
    with recording():
        job = _held(job)
        demand_supervisor(actor, job.line)
        if job.status == JobStatus.CANCELLED:
            return job
        demand_move(job, Move.CANCEL, version)
        if not reason.strip():
            raise ActionRefused("reason_missing", "Say why the job is cancelled.")
        before = audit.public_fields(job)
        was_queued = job.status in QUEUED
        at = job_rows.not_before(job, at)
        job_rows.finish(job, JobStatus.CANCELLED, at)
        job.cancel_reason = reason
        job_queue.check(job)
        _write(job, "cancel", before, actor, at)
        if was_queued:
            job_queue.close(job.line, actor, at)
    return job


def _held(job: Job) -> Job:
    """Return the job as it is now, under its lock and that of its line's queue."""
    line = job_queue.hold(job.line_id)
    held = Job.objects.select_for_update().get(pk=job.pk)
    held.line = line
    return held


def _write(job: Job, verb: str, before: dict[str, object], actor: User, at: datetime) -> None:
    job.by = actor
    job_rows.save(job)
    audit.record(
        actor,
        f"job.{verb}",
        job,
        before=before,
        after=audit.public_fields(job),
        line_id=job.line.code,
    )
    job_rows.say(job, at)


def _or_refused(
    job: Job, actor: User, deed: Callable[[], Job], operator: User | None = None
) -> Job:
    """Do the deed; where the database finds that another was faster, refuse with that one's job."""
    try:
        return deed()
    except IntegrityError:
        job = Job.objects.select_related("line", "operator").get(pk=job.pk)
        job.operator = operator or job.operator
        if refusal := stands_against(job, actor):
            raise refusal from None
        raise
