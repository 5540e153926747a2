"""The rows of a job as it moves: its runs, its pieces, its end, and the fact about it.

The caller holds the lock on the job, in a recording; `say` comes after all rows.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models import Max

from ms5.events import facts
from ms5.events.log import append
from ms5.rows import marks
from production.choices import JobStatus
from production.models import Job, JobRun
from production.pieces import Counted, together
from production.public.jobs import job_of, status_of

Sums = dict[int, Counted]
"""Pieces by equipment: only the line's constraint of the time counts for a job."""

# Each observation asks these, and the ORM's own way costs a fifth of a tick.
_COUNTED = """
SELECT job_id, equipment_id, counters, kind, SUM(quantity) FROM production_tally WHERE job_id IN ({jobs})
GROUP BY job_id, equipment_id, counters, kind
"""


def begin_run(job: Job, at: datetime) -> None:
    """Let it run from `at` on; the caller saves the job."""
    job.status = JobStatus.RUNNING
    job.started_at = job.started_at or at
    job.paused_at = None
    job.pause_reason = ""
    job.position = None
    JobRun.objects.create(job=job, started_at=at)


def end_run(job: Job, at: datetime) -> None:
    """End the stretch in which it runs, if it does; one never ends before it began."""
    for run in JobRun.objects.filter(job=job, ended_at__isnull=True):
        run.ended_at = max(at, run.started_at)
        run.save(update_fields=["ended_at"])


def finish(job: Job, status: JobStatus, at: datetime) -> None:
    """End it as completed or cancelled; the caller saves the job."""
    end_run(job, at)
    job.status = status
    job.ended_at = at
    job.paused_at = None
    job.position = None


def not_before(job: Job, at: datetime) -> datetime:
    """Return the moment, or the last thing that happened to the job, if a clock says that was later.

    A line runs one job at a time: no run begins or ends before the newest of its line began and ended.
    """
    runs = JobRun.objects.filter(job__line=job.line_id)
    newest = runs.aggregate(began=Max("started_at"), ended=Max("ended_at"))
    happened = (job.started_at, job.paused_at, newest["began"], newest["ended"])
    return max([at, *(each for each in happened if each is not None)])


def save(job: Job) -> None:
    """Write what an action changed, as a new version; `say` follows, and tells these pieces."""
    job.version += 1
    job.told_good, job.told_reject = job.good, job.reject
    job.save()


def say(job: Job, at: datetime) -> None:
    """Say the fact that tells its status."""
    append(facts.JOB_FACTS[status_of(job)], job_of(job), occurred_at=at, line_id=job.line.code)


def counted(jobs: Collection[int]) -> dict[int, Sums]:
    """Return what was counted for these jobs, by the equipment that was its line's constraint then."""
    sums: dict[int, Sums] = {pk: {} for pk in jobs}
    if not jobs:
        return sums
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(jobs=marks(jobs)), list(jobs))
        for job_id, equipment, counters, kind, quantity in cursor.fetchall():
            sums[job_id].setdefault(equipment, {})[counters, kind] = int(quantity)
    return sums


def take_over(job: Job, sums: Sums) -> bool:
    """Bring the job's pieces up to date with what was counted for it; return whether they moved."""
    made = [together(own) for own in sums.values()]
    # What a correction took away may leave less than nothing, which no job has made.
    good = max(0, sum(each.good for each in made))
    reject = max(0, sum(each.reject for each in made))
    if (good, reject) == (job.good, job.reject):
        return False
    job.good, job.reject = good, reject
    return True
