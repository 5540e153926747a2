"""How fast a job goes: its pieces over its measured running time, from the rows of its line's constraint."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from ms5.events import facts
from production.another_product import warning_of
from production.choices import JobStatus, State
from production.jobs import End, end, progress, rate
from production.models import Condition, Count, Counter, Equipment, Job, JobRun, Span, Tally
from production.oee import Plan
from production.pieces import pieces
from production.public.jobs import NO_TARGET, name_of, status_of
from production.shifts import Calendar, plan
from production.timeline import Stretch, clip

RECENT = timedelta(minutes=10)
DAY = timedelta(days=1)
HORIZON_DAYS = 31
NO_CONSTRAINT = "no equipment is the constraint of this line"


def progress_of(job: Job, calendar: Calendar, now: datetime) -> facts.JobProgress:
    """Return how far a job that has begun is at `now`.

    The rate is that of the last ten minutes, as far as the job ran in them and anything was known; else
    that of all its time. The end is that rate carried on through the shifts and breaks to come; while the line
    makes another product nobody can tell it, and that is said.
    """
    ran = [
        Stretch(None, began, min(ended or now, now))
        for began, ended in JobRun.objects.filter(job=job, started_at__lt=now).values_list(
            "started_at", "ended_at"
        )
    ]
    constraint = (
        job.line.equipment.filter(is_constraint=True).select_related("condition").first()
    )
    per_minute = _rate(job, constraint, ran, now) if constraint else None
    remaining = None if job.target is None else max(0, job.target - job.good)
    if against := warning_of(job):
        expected = End(None, against)
    elif job.target is None:
        expected = End(None, NO_TARGET)
    elif constraint is None:
        expected = End(None, NO_CONSTRAINT)
    elif job.status == JobStatus.PAUSED:
        expected = End(None, "it is paused")
    else:
        expected = end(remaining, per_minute, now, _days_to_come(calendar, now))
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
        running_seconds=sum((run.length for run in ran), timedelta()).total_seconds(),
    )


def _days_to_come(calendar: Calendar, now: datetime) -> Iterator[Stretch[Plan]]:
    """Yield the plan from `now` on; a day is worked out when it is asked for."""
    for day in range(HORIZON_DAYS):
        yield from plan(calendar, now + day * DAY, now + (day + 1) * DAY)


def _rate(
    job: Job, constraint: Equipment, ran: list[Stretch[None]], now: datetime
) -> float | None:
    since = now - RECENT
    if lately := _measured(constraint, ran, since, now):
        counts = Count.objects.within(since, now).filter(job=job)
        return rate(_good(constraint, counts), lately)
    if not ran:
        return None
    began = min(run.started_at for run in ran)
    all_ = Tally.objects.filter(job=job)
    return rate(_good(constraint, all_), _measured(constraint, ran, began, now))


def _good(constraint: Equipment, rows: QuerySet[Count] | QuerySet[Tally]) -> int:
    """Return the good pieces of these rows that have measured time behind them."""
    kinds = Counter.objects.filter(equipment=constraint).values_list("kind", flat=True)
    sums = dict.fromkeys(kinds, 0)
    own = rows.filter(equipment=constraint, measured=True).order_by()
    for kind, quantity in own.values_list("kind").annotate(Sum("quantity")):
        sums[kind] = int(quantity)
    return pieces(sums).good


def _measured(
    constraint: Equipment, ran: list[Stretch[None]], start: datetime, end_: datetime
) -> timedelta:
    """Return for how long of [start, end) the job ran and the state of the constraint was known."""
    condition: Condition | None = getattr(constraint, "condition", None)
    read_at = (condition.state_read_at if condition else None) or start
    spans = Span.objects.within(start, end_).filter(equipment=constraint)
    known = [
        Stretch(None, began, ended or max(began, read_at))
        for began, ended in spans.exclude(state=State.NO_DATA)
        .order_by()
        .values_list("started_at", "ended_at")
    ]
    parts = (
        part
        for run in clip(ran, start, end_)
        for part in clip(known, run.started_at, run.ended_at)
    )
    return sum((part.length for part in parts), timedelta())
