"""The public form of jobs: what a fact says of one is what a snapshot says."""

from collections.abc import Collection
from typing import cast

from ms5.accounts.models import User
from ms5.events import facts
from ms5.events.items import Item
from production.choices import JobStatus
from production.jobs import OVER, progress
from production.models import Job, Line

NO_TARGET = "no target is set"
LONGEST_NAME = 100


def job_of(job: Job) -> facts.Job:
    """Return the job as its newest fact tells it; the pieces since then are told by its progress."""
    return facts.Job(
        id=job.pk,
        number=job.number,
        status=status_of(job),
        product_code=job.product.code,
        product=job.product.name,
        target=job.target,
        completes_at_target=job.completes_at_target,
        good=job.told_good,
        reject=job.told_reject,
        progress=progress(job.told_good, job.target),
        why=NO_TARGET if job.target is None else None,
        position=job.position,
        operator_id=job.operator_id,
        operator=name_of(job.operator),
        by=name_of(job.by),
        planned_start_at=job.planned_start_at,
        planned_end_at=job.planned_end_at,
        assigned_at=job.assigned_at,
        accepted_at=job.accepted_at,
        started_at=job.started_at,
        paused_at=job.paused_at,
        ended_at=job.ended_at,
        pause_reason=job.pause_reason or None,
        cancel_reason=job.cancel_reason or None,
        note=job.note or None,
        version=job.version,
    )


def status_of(job: Job) -> facts.JobStatus:
    """Return its status as the facts declare it."""
    return cast(facts.JobStatus, str(JobStatus(job.status)))


def name_of(user: User | None) -> str | None:
    """Return what people call the user, cut to what a fact holds."""
    return None if user is None else str(user)[:LONGEST_NAME]


def open_items(lines: Collection[Line]) -> list[Item]:
    """Return the jobs of the lines that are not over, oldest first."""
    rows = (
        Job.objects.filter(line__in=lines)
        .exclude(status__in=OVER)
        .select_related("line", "product", "operator", "by")
        .order_by("pk")
    )
    return [
        Item(
            type=facts.JOB_FACTS[status_of(job)],
            line_id=job.line.code,
            equipment_code=None,
            data=job_of(job),
        )
        for job in rows
    ]
