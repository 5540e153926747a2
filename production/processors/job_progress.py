"""How far the jobs are that have begun, told every three seconds."""

import logging
from collections import defaultdict
from datetime import datetime

from ms5.database import reading
from ms5.events.log import gauge, recording
from ms5.events.models import Gauge
from production.actions.working import complete_reached, is_due
from production.calendars import calendar_of
from production.isolation import each_alone, raise_failed
from production.jobs import BEGUN
from production.models import Job, Line
from production.pace import progress_of

log = logging.getLogger(__name__)

TYPE = "job_progress"


def job_progress(now: datetime) -> int:
    """Say the progress of every job that runs or is paused; return how many.

    One that a correction brought to its target is completed instead. Idempotent: of two ticks the later
    `now` stays. A line that fails is logged and the others go on; then an ExceptionGroup says so.
    """
    by_line: dict[Line, list[Job]] = defaultdict(list)
    begun = Job.objects.filter(status__in=BEGUN).select_related("line", "product", "operator")
    for job in begun.order_by("line", "pk"):
        by_line[job.line].append(job)
    said, failed = each_alone(
        by_line.items(),
        lambda own: _say(*own, now),
        lambda own: {"line": own[0].code},
        log,
        "the jobs of a line failed",
    )
    _forget_others([key(job) for jobs in by_line.values() for job in jobs])
    raise_failed(failed, "not every line was done")
    return said


def key(job: Job) -> str:
    """Return under which key the log keeps its progress."""
    return f"job:{job.line.code}:{job.pk}"


def _say(line: Line, jobs: list[Job], now: datetime) -> int:
    open_ = [job for job in jobs if not (is_due(job) and complete_reached(job.pk, now))]
    # Read without holding the write lock; only the gauges are written under it.
    with reading():
        calendar = calendar_of(line)
        told = [(job, progress_of(job, calendar, now)) for job in open_]
    with recording():
        for job, data in told:
            gauge(TYPE, data, key=key(job), source_at=now, line_id=line.code)
    return len(told)


def _forget_others(keys: list[str]) -> None:
    """Drop what was kept of jobs that are over, which nobody asks for any more."""
    over = Gauge.objects.filter(type=TYPE).exclude(key__in=keys)
    if over.exists():
        over.delete()
