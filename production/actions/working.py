"""The running job of a line while it is observed: it counts along, and may reach its target."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.db import connection

from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import job_rows
from production.choices import JobStatus
from production.jobs import BEGUN, OVER, is_reached
from production.models import Count, Job, Line

# Each observation asks these, and the ORM's own way costs a fifth of a tick.
_RUNNING = """
SELECT job.id, job.line_id, job.target, job.completes_at_target, job.good, job.reject, run.started_at
FROM production_job job JOIN production_jobrun run ON run.job_id = job.id AND run.ended_at IS NULL
WHERE job.line_id = %s AND job.status = %s
"""
# In the order of the model's fields, as `from_db` takes them.
_LOADED = ("id", "line_id", "target", "completes_at_target", "good", "reject")
# A kind that it has a counter for and that did not move is a zero, not an absence: also of an equipment that
# counted for the job while it was the constraint.
_COUNTED = """
SELECT equipment_id, kind, 0 FROM production_counter WHERE equipment_id = %s
    OR equipment_id IN (SELECT equipment_id FROM production_tally WHERE job_id = %s)
UNION ALL
SELECT equipment_id, kind, SUM(quantity) FROM production_tally WHERE job_id = %s
GROUP BY equipment_id, kind
"""
_KEEP = "UPDATE production_job SET good = %s, reject = %s WHERE id = %s"


@dataclass(slots=True)
class RunningJob:
    """The job that runs on a line, under lock; None when none does, or when it has been completed."""

    job: Job | None
    since: datetime | None = None
    """When its present run began."""
    _sums: job_rows.Sums | None = None
    _moved: Job | None = None
    _completed_at: datetime | None = None

    @classmethod
    def of(cls, line: Line) -> Self:
        """Read and lock it, in one query.

        Starting and going on take the locks of the line's conditions, so that no job begins meanwhile.
        """
        # SQLite has one writer and knows no locks of rows.
        lock = "FOR UPDATE OF job" if connection.features.has_select_for_update else ""
        with connection.cursor() as cursor:
            cursor.execute(_RUNNING + lock, [line.pk, JobStatus.RUNNING.value])
            row = cursor.fetchone()
        if row is None:
            return cls(None)
        *values, since = row
        return cls(Job.from_db(connection.alias, _LOADED, values), _aware(since))

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
        if self._sums is None:
            # The counts of this action are not yet tallied: they come on top.
            self._sums = _counted(job, own[0].equipment_id)
        for count in own:
            of_equipment = self._sums.setdefault(count.equipment_id, {})
            of_equipment[count.kind] = of_equipment.get(count.kind, 0) + count.quantity
        if job_rows.take_over(job, self._sums):
            self._moved = job
        if job.completes_at_target and is_reached(job.good, job.target):
            self._moved, self._completed_at = job, at
            self.job = None

    def save(self) -> None:
        """Write what has changed, the fact last."""
        moved = self._moved
        if moved is None:
            return
        if self._completed_at is None:
            with connection.cursor() as cursor:
                cursor.execute(_KEEP, [moved.good, moved.reject, moved.pk])
            return
        job = Job.objects.select_related("line", "product", "operator").get(pk=moved.pk)
        job.good, job.reject = moved.good, moved.reject
        complete(job, self._completed_at)


def _counted(job: Job, equipment_id: int) -> job_rows.Sums:
    sums: job_rows.Sums = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [equipment_id, job.pk, job.pk])
        for equipment, kind, quantity in cursor.fetchall():
            own = sums.setdefault(equipment, {})
            own[kind] = own.get(kind, 0) + int(quantity)
    return sums


def _aware(moment: datetime) -> datetime:
    """Return a time as the driver gives it: SQLite's is in UTC and does not say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
    sums = job_rows.counted(jobs)
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
