"""The running job of a line while it is observed: it counts along, and may reach its target."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.db import connection

from ms5 import rows
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import job_rows
from production.choices import JobStatus
from production.jobs import BEGUN, OVER, is_reached
from production.models import Count, Job

# Each observation asks these, and the ORM's own way costs a fifth of a tick.
_RUNNING = """
SELECT job.id, job.line_id, job.target, job.completes_at_target, job.good, job.reject, run.started_at
FROM production_job job JOIN production_jobrun run ON run.job_id = job.id AND run.ended_at IS NULL
WHERE job.line_id IN ({lines}) AND job.status = %s ORDER BY job.id
"""
# In the order of the model's fields, as `from_db` takes them.
_LOADED = ("id", "line_id", "target", "completes_at_target", "good", "reject")
_KEEP = "UPDATE production_job SET good = %s, reject = %s WHERE id = %s"


@dataclass(slots=True)
class RunningJob:
    """The job that runs on a line, under lock; None when none does, or when it has been completed."""

    job: Job | None
    since: datetime | None = None
    """When its present run began."""
    _sums: job_rows.Sums = field(default_factory=dict)
    _moved: Job | None = None
    _completed_at: datetime | None = None

    @classmethod
    def of(cls, line_ids: Collection[int]) -> dict[int, Self]:
        """Read and lock those of these lines, by line, with what was counted for them.

        Starting and going on take the locks of the line's conditions, so that no job begins meanwhile.
        """
        if not line_ids:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(
                _RUNNING.format(lines=rows.marks(line_ids)) + rows.lock("job"),
                [*line_ids, JobStatus.RUNNING.value],
            )
            found = cursor.fetchall()
        jobs = [
            (Job.from_db(connection.alias, _LOADED, values), rows.aware(since))
            for *values, since in found
        ]
        sums = job_rows.counted([job.pk for job, _ in jobs])
        return {job.line_id: cls(job, since, sums[job.pk]) for job, since in jobs}

    def at(self, moment: datetime) -> Job | None:
        """Return what pieces read at the moment were made for: after the run began, since they are older."""
        return self.job if self.since is not None and moment > self.since else None

    def counted(self, counts: Collection[Count], at: datetime) -> None:
        """Take over what the line's constraint counted in one observation; it may complete the job.

        The job is then over at that reading's time, and what is counted later is counted for none.
        """
        job = self.job
        own = [count for count in counts if job is not None and count.job_id == job.pk]
        if job is None or not own:
            return
        # The counts of this action are not yet tallied: they come on top.
        for count in own:
            of_equipment = self._sums.setdefault(count.equipment_id, {})
            key = (count.counters, count.kind)
            of_equipment[key] = of_equipment.get(key, 0) + count.quantity
        if job_rows.take_over(job, self._sums):
            self._moved = job
        if job.completes_at_target and is_reached(job.good, job.target):
            self._moved, self._completed_at = job, at
            self.job = None

    @staticmethod
    def save(running: Collection["RunningJob"]) -> None:
        """Write what has changed of these, the facts last."""
        moved = [(each._moved, each._completed_at) for each in running]  # noqa: SLF001 - its own
        kept = [(job.good, job.reject, job.pk) for job, over in moved if job and over is None]
        if kept:
            with connection.cursor() as cursor:
                cursor.executemany(_KEEP, kept)
        for job, over in moved:
            if job is not None and over is not None:
                whole = Job.objects.select_related("line", "product", "operator").get(pk=job.pk)
                whole.good, whole.reject = job.good, job.reject
                complete(whole, over)


def complete(job: Job, at: datetime) -> None:
    """Complete it because its target is reached: nobody did. The caller holds its lock."""
    job.by = None
    job_rows.finish(job, JobStatus.COMPLETED, at)
    job_rows.save(job)
    job_rows.say(job, at)


@retried
def complete_reached(job_id: int, at: datetime) -> bool:
    """Complete a job that is at its target at `at`, though no reading brought it there; return whether it was.

    Idempotent.
    """
    with recording():
        job = Job.objects.select_for_update(of=("self",)).select_related("line").get(pk=job_id)
        if not is_due(job):
            return False
        complete(job, job_rows.not_before(job, at))
        return True


def recount(job_ids: Collection[int], at: datetime) -> list[Job]:
    """Bring the pieces of these jobs up to date with the tallies; return those that moved.

    Called in the action that changed them, at the moment `at` of the deed, after it has tallied; it locks the
    jobs. Idempotent. One that has begun and reaches its target by it is completed at `at`, if it says so.
    One that is over says its fact again, since no gauge tells of it any more.
    """
    jobs = list(
        Job.objects.select_for_update(of=("self",))
        .select_related("line")
        .filter(pk__in=set(job_ids))
        .order_by("pk")
    )
    sums = job_rows.counted([job.pk for job in jobs])
    moved = [job for job in jobs if job_rows.take_over(job, sums[job.pk])]
    for job in moved:
        if job.status in OVER:
            job_rows.save(job)
            job_rows.say(job, at)
        elif is_due(job):
            complete(job, job_rows.not_before(job, at))
        else:
            job.save(update_fields=["good", "reject"])
    return moved


def is_due(job: Job) -> bool:
    """Whether it has begun, reached its target, and wants to be completed by that."""
    is_wanted = job.completes_at_target and is_reached(job.good, job.target)
    return is_wanted and job.status in BEGUN
