"""The rows of a job as it moves: its runs, its pieces, its end, and the fact about it.

The caller holds the lock on the job, in a recording; `say` comes after all rows.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Sum

from ms5.events import facts
from ms5.events.log import append
from production.choices import JobStatus
from production.models import Counter, Job, JobRun, Tally
from production.pieces import Pieces, pieces
from production.public.jobs import job_of, status_of


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
    """Return the moment, or the last thing that happened to the job, if a clock says that was later."""
    happened = (job.started_at, job.paused_at)
    return max([at, *(each for each in happened if each is not None)])


def save(job: Job) -> None:
    """Write what an action changed, as a new version; `say` follows, and tells these pieces."""
    job.version += 1
    job.told_good, job.told_reject = job.good, job.reject
    job.save()


def say(job: Job, at: datetime) -> None:
    """Say the fact that tells its status."""
    append(facts.JOB_FACTS[status_of(job)], job_of(job), occurred_at=at, line_id=job.line.code)


def counted(jobs: Collection[Job]) -> dict[int, dict[str, int]]:
    """Return what the line's constraint counted for each job, by kind.

    A kind that it has a counter for and that did not move is a zero, not an absence.
    """
    sums: dict[int, dict[str, int]] = {job.pk: defaultdict(int) for job in jobs}
    counters = Counter.objects.filter(
        equipment__line__in={job.line_id for job in jobs}, equipment__is_constraint=True
    )
    for line, kind in counters.values_list("equipment__line", "kind"):
        for job in jobs:
            if job.line_id == line:
                sums[job.pk][kind] += 0
    tallies = Tally.objects.filter(
        job__in=jobs, equipment__is_constraint=True, equipment__line=F("job__line")
    )
    rows = tallies.order_by().values_list("job", "kind").annotate(Sum("quantity"))
    for job_id, kind, quantity in rows:
        sums[job_id][kind] += int(quantity)
    return sums


def take_over(job: Job, sums: dict[str, int]) -> bool:
    """Bring the job's pieces up to date with what was counted by kind; return whether they moved."""
    made: Pieces = pieces(sums)
    if (made.good, made.reject) == (job.good, job.reject):
        return False
    # What a correction took away may leave less than nothing, which no job has made.
    job.good, job.reject = max(0, made.good), max(0, made.reject)
    return True
