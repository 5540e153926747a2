"""Equipment that stands: the stop it is in, how long it may stand, and what the stop is put down to."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import F, Q

from ms5.database import chunks
from production.choices import Category, ChangeoverStatus, Loss
from production.limits import limits_of
from production.models import (
    Changeover,
    Condition,
    ContextChange,
    Equipment,
    Fault,
    Job,
    JobRun,
    Reason,
    Span,
)
from production.stops import Stop, stops
from production.timeline import Stretch

CHANGEOVER = "CHANGEOVER"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a stop is put down to until a person says why: the row of its first-out, a reason, a category."""

    fault: Fault | None
    suggested: Reason | None
    category: str


def present_stops(conditions: Iterable[Condition]) -> dict[int, Stop]:
    """Return the stop that each equipment is in, as far as it is known; one without length is left out.

    `stopped_since` of the conditions is taken as they hold it, saved or not.
    """
    standing = {each.pk: each for each in conditions if each.stopped_since is not None}
    seen: dict[int, list[Stretch[str]]] = defaultdict(list)
    for some in chunks(standing):
        since_each = (
            Q(equipment=pk)
            & (Q(ended_at__gt=standing[pk].stopped_since) | Q(ended_at__isnull=True))
            for pk in some
        )
        rows = Span.objects.filter(reduce(or_, since_each))
        for pk, state, began, ended in rows.values_list(
            "equipment", "state", "started_at", "ended_at"
        ):
            # What was not read is not known: a state lasts until the last reading that told it.
            until = ended or standing[pk].state_read_at
            if until is not None and began < until:
                seen[pk].append(Stretch(state, began, until))
    found = {pk: stops(states) for pk, states in seen.items()}
    return {pk: own[-1] for pk, own in found.items() if own and own[-1].lasts}


def product_at(equipment_id: int, at: datetime) -> int | None:
    """Return the product that was set on the equipment at `at`; None when none was."""
    change = ContextChange.objects.filter(equipment=equipment_id, at__lte=at).first()
    return change.product_id if change else None


def stop_after(equipment: Equipment, product_id: int | None, at: datetime) -> timedelta:
    """Return how long a stop that begins at `at` may last as a micro-stop."""
    return limits_of([equipment])[equipment.pk].stop_after(product_id, at)


def shortest(equipment_ids: Collection[int]) -> dict[int, timedelta]:
    """Return the least that `stop_after` may be for each, whatever the product. Three queries."""
    found = limits_of(Equipment.objects.filter(pk__in=equipment_ids))
    return {pk: each.least() for pk, each in found.items()}


def job_at(equipment: Equipment, at: datetime) -> Job | None:
    """Return the job that ran on the equipment's line at `at`."""
    runs = JobRun.objects.filter(job__line=equipment.line_id, started_at__lte=at)
    run = (
        runs.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at)).select_related("job").last()
    )
    return run.job if run else None


def first_out(equipment_id: int, stop: Stop) -> Fault | None:
    """Return the first-out of the stop; failing one, the oldest fault that was open in it."""
    in_it = Fault.objects.filter(equipment=equipment_id, raised_at__lt=stop.ended_at).filter(
        Q(cleared_at__isnull=True) | Q(cleared_at__gt=stop.started_at)
    )
    return in_it.order_by("-first_out", "raised_at", "pk").first()


def explain(equipment: Equipment, stop: Stop) -> Explanation:
    """Return what the stop is put down to: a changeover it began in, its first-out, or what was planned.

    A planned stop that somebody announced suggests the planned reason of that name or code.
    """
    fault = first_out(equipment.pk, stop)
    if _in_a_changeover(equipment, stop.started_at):
        return Explanation(fault, _reason(Q(code=CHANGEOVER)), Category.CHANGEOVER)
    said = ContextChange.objects.filter(equipment=equipment, at__lte=stop.started_at).first()
    is_planned = said is not None and said.planned_stop
    planned = _planned(said.planned_stop_reason) if said and is_planned else None
    blamed = _reason(Q(code=fault.reason_code)) if fault and fault.reason_code else None
    if is_planned:
        category = planned.category if planned else Category.PLANNED
        return Explanation(fault, blamed or planned, category)
    return Explanation(fault, blamed, blamed.category if blamed else Category.UNPLANNED)


def _in_a_changeover(equipment: Equipment, at: datetime) -> bool:
    turning = Changeover.objects.filter(line=equipment.line_id, started_at__lte=at).exclude(
        status=ChangeoverStatus.CANCELLED
    )
    return turning.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at)).exists()


def _planned(text: str) -> Reason | None:
    words = text.strip()
    if not words:
        return None
    by_name = Q(code__iexact=words.replace(" ", "_")) | Q(name__iexact=words)
    return _reason(by_name & ~Q(loss=Loss.STOP))


def _reason(wanted: Q) -> Reason | None:
    return Reason.objects.filter(wanted, is_active=True).order_by(F("position"), "pk").first()
