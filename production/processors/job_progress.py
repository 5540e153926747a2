"""How far the jobs are that have begun, told every three seconds."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from ms5.database import reading
from ms5.events.log import gauge, recording
from ms5.events.models import Gauge
from production.actions.working import complete_reached, is_due
from production.another_product import with_made
from production.isolation import raise_failed, together_or_alone
from production.jobs import BEGUN
from production.models import Job
from production.pace import progress_of

log = logging.getLogger(__name__)

TYPE = "job_progress"


def job_progress(now: datetime) -> int:
    """Say the progress of every job that runs or is paused; return how many.

    One that a correction brought to its target is completed instead. Idempotent: of two ticks the later
    `now` stays. All lines together, for the sake of the database; when that fails they go one by one: a line
    that fails is logged and the others go on, then an ExceptionGroup says so.
    """
    begun = Job.objects.filter(status__in=BEGUN).select_related("line", "product", "operator")
    by_line: dict[int, list[Job]] = defaultdict(list)
    for job in with_made(begun).order_by("line", "pk"):
        by_line[job.line_id].append(job)
    said, failed = together_or_alone(
        list(by_line.values()),
        lambda lines: _say([job for jobs in lines for job in jobs], now),
        lambda jobs: {"line": jobs[0].line.code},
        log,
        "the jobs of a line failed",
    )
    _forget_others([key(job) for jobs in by_line.values() for job in jobs])
    raise_failed(failed, "not every line was done")
    return said


def key(job: Job) -> str:
    """Return under which key the log keeps its progress."""
    return f"job:{job.line.code}:{job.pk}"


def _say(jobs: Sequence[Job], now: datetime) -> int:
    open_ = [job for job in jobs if not (is_due(job) and complete_reached(job.pk, now))]
    # Read without holding the write lock; only the gauges are written under it.
    with reading():
        told = progress_of(open_, now)
    with recording():
        for job, data in zip(open_, told, strict=True):
            gauge(TYPE, data, key=key(job), source_at=now, line_id=job.line.code)
    return len(told)


def _forget_others(keys: list[str]) -> None:
    """Drop what was kept of jobs that are over, which nobody asks for any more."""
    over = Gauge.objects.filter(type=TYPE).exclude(key__in=keys)
    if over.exists():
        over.delete()
