"""How fast jobs go: pieces over measured running time, from the rows of their lines' constraints."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from ms5.events import facts
from production import layers
from production.another_product import warning
from production.calendars import calendars
from production.choices import JobStatus
from production.coming import Coming
from production.jobs import End, end, progress, rate
from production.layers import Wanted
from production.models import Equipment, Job, JobRun, Tally
from production.pieces import Counted, together
from production.public.jobs import NO_TARGET, name_of, status_of
from production.stops import NO_DATA
from production.timeline import Stretch, clip
from production.timelines import Extent, states_of

RECENT = timedelta(minutes=10)
NO_CONSTRAINT = "no equipment is the constraint of this line"


def progress_of(jobs: Sequence[Job], now: datetime) -> list[facts.JobProgress]:
    """Return how far jobs that have begun are at `now`, in order, in a number of queries that does not grow.

    The rate is that of the last ten minutes, as far as the job ran in them and anything was known; else
    that of all its time. The end is that rate carried on through the shifts and breaks to come; while the line
    makes another product nobody can tell it, and that is said. The jobs are of `with_made`.
    """
    if not jobs:
        return []
    by_line = calendars(job.line for job in jobs)
    runs = [
        _Run(job, constraint, own)
        for job, constraint, own in zip(jobs, _constraints(jobs), _ran(jobs, now), strict=True)
    ]
    coming = {calendar: Coming(calendar, now) for calendar in by_line.values()}
    return [
        _progress(run, per_minute, coming[by_line[run.job.line_id]], now)
        for run, per_minute in zip(runs, _rates(runs, now), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Run:
    """A job, its line's constraint, and when it ran."""

    job: Job
    constraint: Equipment | None
    ran: Sequence[Stretch[None]]


def _constraints(jobs: Sequence[Job]) -> list[Equipment | None]:
    rows = Equipment.objects.filter(line__in={job.line_id for job in jobs}, is_constraint=True)
    by_line = {row.line_id: row for row in rows}
    return [by_line.get(job.line_id) for job in jobs]


def _ran(jobs: Sequence[Job], now: datetime) -> list[list[Stretch[None]]]:
    found: dict[int, list[Stretch[None]]] = defaultdict(list)
    rows = JobRun.objects.filter(job__in=[job.pk for job in jobs], started_at__lt=now)
    for pk, began, ended in rows.values_list("job", "started_at", "ended_at"):
        found[pk].append(Stretch(None, began, min(ended or now, now)))
    return [found[job.pk] for job in jobs]


def _progress(
    run: _Run, per_minute: float | None, coming: Coming, now: datetime
) -> facts.JobProgress:
    job = run.job
    remaining = None if job.target is None else max(0, job.target - job.good)
    if against := warning(job):
        expected = End(None, against)
    elif job.target is None:
        expected = End(None, NO_TARGET)
    elif run.constraint is None:
        expected = End(None, NO_CONSTRAINT)
    elif job.status == JobStatus.PAUSED:
        expected = End(None, "it is paused")
    else:
        expected = end(remaining, per_minute, now, coming)
    return facts.JobProgress(
        id=job.pk,
        number=job.number,
        status=status_of(job),
        product_code=job.product.code,
        product=job.product.name,
        operator=name_of(job.operator),
        target=job.target,
        good=job.good,
        reject=job.reject,
        progress=progress(job.good, job.target),
        remaining=remaining,
        rate=per_minute,
        estimated_end_at=expected.at,
        why=expected.why,
        started_at=job.started_at,
        running_seconds=sum((part.length for part in run.ran), timedelta()).total_seconds(),
    )


def _rates(runs: Sequence[_Run], now: datetime) -> list[float | None]:
    """Return good pieces a minute of measured time of each, in order."""
    since = now - RECENT
    lately = _measured(runs, [since] * len(runs), now)
    begun = [min((part.started_at for part in run.ran), default=now) for run in runs]
    # Of one that ran and was measured of late, the time before does not matter.
    starts = [now if recent else began for recent, began in zip(lately, begun, strict=True)]
    in_all = _measured(runs, starts, now)
    counted = _counted(runs, since, now)
    tallied = _tallied(runs)
    found: list[float | None] = []
    for number, run in enumerate(runs):
        if run.constraint is None or not run.ran:
            found.append(None)
            continue
        rows = counted if lately[number] else tallied
        found.append(rate(together(rows[number]).good, lately[number] or in_all[number]))
    return found


def _counted(runs: Sequence[_Run], since: datetime, now: datetime) -> list[Counted]:
    """Return the measured pieces of each job that its constraint counted in (since, now]."""
    wanted = [Wanted(number, run.job.pk, since, now) for number, run in enumerate(runs)]
    return _by_kind(runs, layers.job_counts(wanted))


def _tallied(runs: Sequence[_Run]) -> list[Counted]:
    """Return the same of all time."""
    numbers = {run.job.pk: number for number, run in enumerate(runs)}
    rows = Tally.objects.filter(job__in=numbers, measured=True).order_by()
    sums = rows.values_list("job", "equipment", "kind", "counters").annotate(Sum("quantity"))
    return _by_kind(runs, ((numbers[job], *row) for job, *row in sums))


def _by_kind(runs: Sequence[_Run], rows: Iterable[Any]) -> list[Counted]:
    found: list[Counted] = [{} for _ in runs]
    for number, equipment, kind, counters, quantity in rows:
        own = runs[number].constraint
        if own is not None and own.pk == equipment:
            found[number][counters, kind] = int(quantity)
    return found


def _measured(
    runs: Sequence[_Run], starts: Sequence[datetime], end_: datetime
) -> list[timedelta]:
    """Return for how long of [start, end) each job ran and the state of its constraint was known."""
    numbers = [
        number
        for number, run in enumerate(runs)
        if run.constraint is not None and starts[number] < end_
    ]
    extents = []
    for number in numbers:
        own = runs[number].constraint
        if own is not None:
            extents.append(Extent(own, starts[number], end_))
    found = [timedelta()] * len(runs)
    for number, extent, seen in zip(numbers, extents, states_of(extents), strict=True):
        known = [each for each in seen if each.what.state != NO_DATA]
        parts = (
            part
            for run in clip(runs[number].ran, extent.start, extent.end)
            for part in clip(known, run.started_at, run.ended_at)
        )
        found[number] = sum((part.length for part in parts), timedelta())
    return found
