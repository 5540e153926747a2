"""The queue of a line: jobs that have not begun, in the order in which they are meant to, 1 to n.

Who changes it holds the lock of the line's row, taken after conditions and before jobs, so that two
never count it at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from django.db import IntegrityError

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import job_rows
from production.actions.job_guards import demand_supervisor, sees
from production.jobs import QUEUED
from production.models import Job, Line, Product
from production.refusals import ActionRefused

MOST_PIECES = 10**12
"""Beyond any plant, and what a browser still counts exactly."""
# What follows from its moves, and nobody says; who made the newest one may be nobody, the system.
_NOT_SAID = (
    "position",
    "assigned_at",
    "accepted_at",
    "started_at",
    "paused_at",
    "ended_at",
    "by",
)


class Order(TypedDict):
    """What is wanted; times are aware, `target` is good pieces."""

    number: str
    product: Product
    target: NotRequired[int | None]
    completes_at_target: NotRequired[bool]
    planned_start_at: NotRequired[datetime | None]
    planned_end_at: NotRequired[datetime | None]
    note: NotRequired[str]


def hold(line_id: int) -> Line:
    """Lock the line's queue and return the line; rows that only point at it are not kept waiting."""
    return Line.objects.select_for_update(no_key=True).get(pk=line_id)


def plan(line: Line, *, actor: User, at: datetime, **order: Unpack[Order]) -> Job:
    """Put a new job at the end of the line's queue and return it.

    Raises NotAllowed, ActionRefused for a number that another job has, and ValidationError for values that
    cannot be, such as a target of zero.
    """
    try:
        return _plan(line, order, actor, at)
    except IntegrityError as lost:
        demand_number(order["number"], actor)
        raise lost from None


@retried
def _plan(line: Line, order: Order, actor: User, at: datetime) -> Job:
    with recording():
        line = hold(line.pk)
        demand_supervisor(actor, line)
        demand_number(order["number"], actor)
        job = Job(line=line, by=actor, **order)
        job.position = Job.objects.filter(line=line, status__in=QUEUED).count() + 1
        check(job)
        job.save()
        audit.record(actor, "job.plan", job, after=audit.public_fields(job), line_id=line.code)
        job_rows.say(job, at)
    return job


@retried
def reorder(line: Line, job_ids: Sequence[int], *, actor: User, at: datetime) -> Line:
    """Give the queue the order of these jobs, which are all that are in it; return the line.

    Idempotent. Raises NotAllowed, and ActionRefused with the line where its queue is of other jobs.
    """
    with recording():
        line = hold(line.pk)
        demand_supervisor(actor, line)
        queue = {job.pk: job for job in waiting(line)}
        if len(job_ids) != len(queue) or set(job_ids) != set(queue):
            raise ActionRefused(
                "queue_changed",
                f"The queue of {line} is of other jobs by now; look at it again.",
                line,
            )
        before = {"queue": list(queue)}
        if before["queue"] != list(job_ids):
            _number([queue[pk] for pk in job_ids], actor, at)
            audit.record(
                actor,
                "job.reorder",
                line,
                before=before,
                after={"queue": list(job_ids)},
                line_id=line.code,
            )
    return line


def close(line: Line, actor: User, at: datetime) -> None:
    """Let the jobs behind one that left the queue move up; the caller holds the queue."""
    _number(waiting(line), actor, at)


def waiting(line: Line) -> list[Job]:
    """Return the jobs of the queue in order, under lock."""
    rows = (
        Job.objects.select_for_update(of=("self",))
        .select_related("line", "product", "operator")
        .filter(line=line, status__in=QUEUED)
    )
    # Locked in the order of their keys, as everywhere; read in that of the queue.
    return sorted(rows.order_by("pk"), key=lambda job: (job.position or 0, job.pk))


def check(job: Job) -> None:
    """Raise ValidationError or ActionRefused for values that cannot be."""
    if job.target is not None and job.target > MOST_PIECES:
        raise ActionRefused("too_many", f"A target is at most {MOST_PIECES} pieces.")
    job.full_clean(exclude=_NOT_SAID, validate_unique=False)
    if (
        job.planned_start_at
        and job.planned_end_at
        and job.planned_end_at < job.planned_start_at
    ):
        raise ActionRefused("bad_times", "The planned end lies before the planned start.")


def _number(jobs: Sequence[Job], actor: User, at: datetime) -> None:
    moved = []
    for position, job in enumerate(jobs, 1):
        if job.position != position:
            job.position = position
            job.version += 1
            job.by = actor
            moved.append(job)
    Job.objects.bulk_update(moved, ["position", "version", "by"])
    for job in moved:
        job_rows.say(job, at)


def demand_number(number: str, actor: User, *, but: int | None = None) -> None:
    """Raise ActionRefused, with the job if the actor may see it, where another has this number."""
    others = Job.objects.filter(number=number).select_related("line")
    other = (others if but is None else others.exclude(pk=but)).first()
    if other is not None:
        row = other if sees(actor, other.line) else None
        raise ActionRefused("number_taken", f"There is a job {number} already.", row)
