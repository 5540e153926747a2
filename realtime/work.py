"""What a line is at, as words and figures ready to print: job, changeover, downtime, OEE (pure).

static/js/work.js is its twin; tests/contract/drawing/work.json holds both to the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ms5.events.facts import Changeover, Downtime, Job, JobProgress, OeeUpdate
from realtime.formats import duration, percent, whole

_BEGUN = ("running", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNow:
    """The job that runs or pauses on the line."""

    number: str = ""
    product: str = ""
    status: str = ""
    operator: str = ""
    done: str = ""
    percent: str = ""
    share: int | None = None
    """Per cent of the target, at most 100, where the bar ends."""
    pace: str = ""
    late: bool = False
    """Whether it will end after its plan at this pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeoverNow:
    """The changeover under way, counted down to its target."""

    products: str = ""
    timer: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeNow:
    """The open downtime of the constraint, or the oldest of the line."""

    reason: str = ""
    timer: str = ""
    asked: bool = False
    """Whether nobody has said why yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OeeNow:
    """The OEE of the line for the present shift, in per cent."""

    oee: str = ""
    availability: str = ""
    performance: str = ""
    quality: str = ""
    confidence: str = ""
    shift: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """All of it. Empty text: there is none, and nothing is shown."""

    job: JobNow
    changeover: ChangeoverNow
    downtime: DowntimeNow
    oee: OeeNow


def draw_work(
    open_subjects: Sequence[object],
    gauges: Sequence[object],
    constraint: str | None,
    time_zone: str,
    now: datetime,
) -> Work:
    """Return what the line is at as of `now`; times of day are those of the plant."""
    return Work(
        job=_job(open_subjects, gauges, ZoneInfo(time_zone), now),
        changeover=_changeover(open_subjects, now),
        downtime=_downtime(open_subjects, constraint, now),
        oee=_oee(gauges),
    )


def _job(
    subjects: Sequence[object], gauges: Sequence[object], zone: ZoneInfo, now: datetime
) -> JobNow:
    begun = [data for data in subjects if isinstance(data, Job) and data.status in _BEGUN]
    # A running one before a paused one, then the newest.
    job = max(begun, key=lambda each: (each.status == "running", each.id), default=None)
    if job is None:
        return JobNow()
    progress = next(
        (data for data in gauges if isinstance(data, JobProgress) and data.id == job.id), None
    )
    good = progress.good if progress else job.good
    share = good / job.target if job.target else None
    pace, late = _pace(job, progress, zone, now)
    return JobNow(
        number=job.number,
        product=job.product,
        status=job.status,
        operator=job.operator or "",
        done=f"{whole(good)} of {whole(job.target)}" if job.target else f"{whole(good)} made",
        percent=percent(share) if share is not None else "",
        share=None if share is None else min(100, int(share * 100 + 0.5)),
        pace=pace,
        late=late,
    )


def _pace(
    job: Job, progress: JobProgress | None, zone: ZoneInfo, now: datetime
) -> tuple[str, bool]:
    """Return the sentence about the end, and whether it lies after the planned one."""
    if job.status == "paused":
        return f"paused: {job.pause_reason}" if job.pause_reason else "paused", False
    if progress is None:
        return "", False
    if progress.estimated_end_at is None:
        return progress.why or "", False
    end = progress.estimated_end_at
    text = f"at this pace: finish {end.astimezone(zone):%H:%M}"
    days = (end.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days:
        text += f" in {days} d"
    planned = job.planned_end_at
    if planned is None or end <= planned:
        return text, False
    text += f", {duration((end - planned) / timedelta(seconds=1))} late"
    return text, True


def _changeover(subjects: Sequence[object], now: datetime) -> ChangeoverNow:
    found = next((data for data in subjects if isinstance(data, Changeover)), None)
    if found is None:
        return ChangeoverNow()
    products = f"{found.from_product or 'nothing'} to {found.to_product}"
    passed = (now - found.started_at) / timedelta(seconds=1)
    if found.target_seconds is None:
        return ChangeoverNow(products=products, timer=f"{duration(passed)} so far")
    left = found.target_seconds - passed
    if left >= 0:
        return ChangeoverNow(products=products, timer=f"{duration(left)} left")
    return ChangeoverNow(products=products, timer=f"{duration(-left)} over", over=True)


def _downtime(subjects: Sequence[object], constraint: str | None, now: datetime) -> DowntimeNow:
    found = sorted(
        (data for data in subjects if isinstance(data, Downtime)),
        key=lambda each: (each.equipment_code != constraint, each.started_at, each.id),
    )
    if not found:
        return DowntimeNow()
    first = found[0]
    reason = first.reason or (
        f"{first.suggested_reason}?" if first.suggested_reason else "no reason given yet"
    )
    return DowntimeNow(
        reason=reason,
        timer=duration((now - first.started_at) / timedelta(seconds=1)),
        asked=first.reason is None,
    )


def _oee(gauges: Sequence[object]) -> OeeNow:
    found = next(
        (data for data in gauges if isinstance(data, OeeUpdate) and data.scope == "line"), None
    )
    if found is None:
        return OeeNow()
    return OeeNow(
        oee=percent(found.oee),
        availability=percent(found.availability),
        performance=percent(found.performance),
        quality=percent(found.quality),
        confidence=percent(found.confidence),
        shift=found.shift or "",
        note=found.warning or found.why or "",
    )
