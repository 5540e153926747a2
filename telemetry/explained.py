"""An OEE figure down to its rows, as its page prints it and the API tells it: down to the raw readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from production.choices import OeeMethod
from production.explain import Explanation, explain
from production.groups import Scope
from production.models import Count, Downtime, Equipment, IdealCycle, Span
from production.oee import Leaf
from production.summed import Sum, summed
from production.timeline import Stretch
from telemetry.models import Sample

MOST_READINGS = 200
# A reading may lie just before the state it brought about.
AROUND = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Readings:
    """Increments and kept readings of (started_at, ended_at], oldest first; the next are `more_after`."""

    started_at: datetime
    ended_at: datetime
    counts: Sequence[Count]
    samples: Sequence[Sample]
    more_after: datetime | None


@dataclass(frozen=True, slots=True)
class Explained:
    """What the figure of an equipment is made of, with the rows that its leaves and pieces name."""

    equipment: Equipment
    found: Explanation
    spans: Mapping[int, Span]
    downtimes: Mapping[int, Downtime]
    cycles: Mapping[int, IdealCycle]
    opened: Stretch[Leaf] | None
    readings: Readings


def explained(
    scope: Scope,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    at: datetime | None = None,
    after: datetime | None = None,
    page: int = 1,
) -> Explained | Sum:
    """Return where the figure of a scope comes from: of equipment its rows, of what is a sum its parts.

    A line by its constraint is explained as that. The readings are those of the shown stretch that `at` lies
    in, else of the whole window, from `after` on: at most so many as one reads.
    """
    subject = subject_of(scope)
    if subject is None:
        return summed(scope, start, end, now, page=page)
    found = explain(
        subject, start, end, now, no_data_is_stop=subject.line.no_data_is_stop, page=page
    )
    opened = next(
        (each for each in found.leaves if at and each.started_at <= at < each.ended_at), None
    )
    span = (
        (found.started_at, found.ended_at)
        if opened is None
        else (opened.started_at, opened.ended_at)
    )
    return Explained(
        equipment=subject,
        found=found,
        spans=Span.objects.select_related("equipment").in_bulk(
            {each.what.span for each in found.leaves if each.what.span}
        ),
        downtimes=Downtime.objects.select_related("reason").in_bulk(
            {each.what.downtime for each in found.leaves if each.what.downtime}
        ),
        cycles=IdealCycle.objects.in_bulk(
            {row.ideal_cycle for row in found.made if row.ideal_cycle}
        ),
        opened=opened,
        readings=_readings(subject, *span, after),
    )


def subject_of(scope: Scope) -> Equipment | None:
    """Return the equipment whose figure that of the scope is; None where it is a sum."""
    counted = scope.counted
    is_one = scope.is_equipment or (
        len(scope.lines) == 1
        and scope.lines[0].oee_method != OeeMethod.SUM
        and len(counted) == 1
    )
    return counted[0] if is_one else None


def _readings(
    equipment: Equipment, start: datetime, end: datetime, after: datetime | None
) -> Readings:
    """Return the first increments and samples of (start, end], cut at one moment, so that none is left out."""
    begin = start if after is None else min(max(start, after), end)
    counts = Count.objects.within(begin, end).filter(equipment=equipment)
    # The window of the samples is that of the increments: a sort of all that a shift has kept would cost much.
    told = list(
        counts.select_related("equipment", "product", "job", "defect", "by").order_by(
            "at", "pk"
        )[: MOST_READINGS + 1]
    )
    until = _last([row.at for row in told], end)
    samples = Sample.objects.filter(tag__in=equipment.tags.values("pk"), source_at__lte=until)
    samples = (
        samples.filter(source_at__gte=start - AROUND)
        if after is None
        else samples.filter(source_at__gt=after)
    )
    kept = list(samples.select_related("tag").order_by("source_at", "tag")[: MOST_READINGS + 1])
    until = _last([row.source_at for row in kept], until)
    return Readings(
        begin,
        until,
        [row for row in told if row.at <= until],
        [row for row in kept if row.source_at <= until],
        until if until < end else None,
    )


def _last(times: Sequence[datetime], end: datetime) -> datetime:
    """Return up to when rows are told: the last moment of which all are among those that were read."""
    if len(times) <= MOST_READINGS:
        return end
    whole = [at for at in times if at < times[-1]]
    # More at one moment than are read at all: the moment is told as far as it was read.
    return whole[-1] if whole else times[-1]
