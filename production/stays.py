"""What the rows of an equipment say about a window: its measured time, its pieces, its products."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Min, Q, Sum

from production.choices import State
from production.models import Condition, Context, Count, Equipment, IdealCycle, Line
from production.standards import Standard
from production.timeline import Mark, Stretch, between, clip, without

LENGTH = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())


@dataclass(frozen=True, slots=True)
class Stay:
    """The time in which the state was known, and how much of the window the equipment ran."""

    measured: list[Stretch[str]]
    running: timedelta


def stay(equipment: Equipment, since: datetime, start: datetime, end: datetime) -> Stay:
    """Return what is known from `since` (at most `start`) to `end`, and how long it ran in [start, end).

    The present state counts until the last reading that told it: what was not read is not yet known, so
    that these figures never shrink. Spans that lie within the window are added up by the database; only
    those without data or across its ends are read, so that a restless day costs little more than a calm one.
    """
    condition: Condition | None = getattr(equipment, "condition", None)
    read_at = (condition.state_read_at if condition else None) or since
    end = min(end, read_at)
    is_inside = Q(started_at__gte=start, ended_at__isnull=False, ended_at__lte=end)
    inside = equipment.spans.filter(is_inside).aggregate(
        began=Min("started_at"), running=Sum(LENGTH, filter=Q(state=State.RUNNING))
    )
    rows = (
        equipment.spans.within(since, end)
        .filter(Q(state=State.NO_DATA) | ~is_inside)
        .order_by()
        .values_list("state", "started_at", "ended_at")
    )
    parts = [Stretch(state, began, ended or end) for state, began, ended in rows]
    began = min([part.started_at for part in parts] + [inside["began"] or end])
    across = [part for part in parts if part.what == State.RUNNING]
    return Stay(
        measured=without(
            Stretch("measured", max(began, since), end),
            [part for part in parts if part.what == State.NO_DATA],
        ),
        running=sum(
            (part.length for part in clip(across, start, end)),
            inside["running"] or timedelta(),
        ),
    )


def made_in_two(
    equipment: Equipment, start: datetime, middle: datetime, end: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the measured pieces by kind, of the time before `middle` and of that after it."""
    sums = (
        Count.objects.within(start, end)
        .filter(equipment=equipment, measured=True)
        .order_by()
        .values_list("kind")
        .annotate(
            before=Sum("quantity", filter=Q(at__lte=middle), default=0),
            after=Sum("quantity", filter=Q(at__gt=middle), default=0),
        )
    )
    both = list(sums)
    return (
        {kind: before for kind, before, _ in both},
        {kind: after for kind, _, after in both},
    )


def products(equipment: Equipment, start: datetime, end: datetime) -> list[Stretch[int | None]]:
    """Return which product (by id) it made when in the window; None where no product was set."""
    context: Context | None = getattr(equipment, "context", None)
    changes = equipment.context_changes.order_by("at", "pk")
    within: list[Mark[int | None]] = [
        Mark(product, at)
        for product, at in changes.filter(at__gt=start, at__lt=end).values_list("product", "at")
    ]
    if not within:
        return [Stretch(context.product_id if context else None, start, end)]
    earlier = changes.filter(at__lte=start).values_list("product", flat=True).last()
    return between([Mark(earlier, start), *within], end)


def cycles(line: Line, now: datetime) -> dict[int, list[Standard]]:
    """Return the ideal cycles of each of the line's equipment that had taken effect by `now`."""
    found: dict[int, list[Standard]] = {}
    rows = IdealCycle.objects.in_force(now).filter(equipment__line=line).order_by()
    for equipment, product, seconds, at in rows.values_list(
        "equipment", "product", "seconds", "effective_from"
    ):
        found.setdefault(equipment, []).append(Standard(product, seconds, at))
    return found
