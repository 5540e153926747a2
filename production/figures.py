"""The figures of a line now, over its site's calendar day so far, in nine queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.db.models import Sum

from ms5.events import facts
from production.choices import State
from production.models import Condition, Context, Counter, Equipment, Line, Tally
from production.output import Output, output
from production.pieces import Pieces, pieces
from production.standards import Standard, in_force
from production.stays import cycles, made_in_two, products, stay
from production.timeline import Stretch, clip

RATE_WINDOW = timedelta(minutes=10)


def production_update(line: Line, now: datetime) -> facts.ProductionUpdate:
    """Return the line's equipment in flow order, and the figures of its constraint.

    Pieces that a counter showed after a gap are in `good` and `reject`, but not in efficiency and rate, since
    no measured time stands behind them; nor are those, with their time, for which no product was set. Without
    a constraint the figures are empty, and `why` says so.
    """
    start = day_start(line.area.site.time_zone, now)
    equipment = list(
        line.equipment.in_flow_order().select_related(
            "line", "condition", "context__product", "context__operator"
        )
    )
    standards = cycles(line, now)
    kinds = _kinds(line)
    all_, comparable = _tallies(line, start, now)
    made = {each.pk: _made(kinds[each.pk], all_[each.pk]) for each in equipment}
    rows = [_now(each, made[each.pk], standards.get(each.pk, ()), now) for each in equipment]
    window = facts.Window(started_at=start, to=now)
    for each, row in zip(equipment, rows, strict=True):
        if each.is_constraint:
            good = _made(kinds[each.pk], comparable[each.pk]).good
            of_day = _of_day(each, window, good, kinds[each.pk], standards.get(each.pk, ()))
            return _update(row, rows, of_day, window)
    return _update(None, rows, _NOTHING, window)


def day_start(time_zone: str, now: datetime) -> datetime:
    """Return the moment at which the calendar day of `now` began there; days may have 23 or 25 hours."""
    zone = ZoneInfo(time_zone)
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
    return midnight.astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class _OfDay:
    """What the constraint's measured time and pieces come to; `good` are those that the target is for."""

    good: int
    output: Output
    running: timedelta
    measured: timedelta
    rate: float | None
    rate_before: float | None


_NOTHING = _OfDay(
    0,
    Output(None, None, "no equipment is the constraint of this line"),
    timedelta(),
    timedelta(),
    None,
    None,
)


def _of_day(
    constraint: Equipment,
    window: facts.Window,
    good: int,
    kinds: AbstractSet[str],
    standards: Sequence[Standard],
) -> _OfDay:
    start, now = window.started_at, window.to
    before, recent = now - 2 * RATE_WINDOW, now - RATE_WINDOW
    known = stay(constraint, min(start, before), start, now)
    of_day = list(clip(known.measured, start, now))
    earlier, later = made_in_two(constraint, before, recent, now)
    return _OfDay(
        good=good,
        output=output(constraint, good, of_day, products(constraint, start, now), standards),
        running=known.running,
        measured=_length(of_day),
        rate=_rate(_made(kinds, later), clip(known.measured, recent, now)),
        rate_before=_rate(_made(kinds, earlier), clip(known.measured, before, recent)),
    )


def _rate(made: Pieces, measured: Iterable[Stretch[str]]) -> float | None:
    """Return good pieces a minute of the measured time; None if there is none."""
    length = _length(measured)
    return made.good / (length / timedelta(minutes=1)) if length else None


def _length(parts: Iterable[Stretch[str]]) -> timedelta:
    return sum((part.length for part in parts), timedelta())


def _made(kinds: AbstractSet[str], counted: Mapping[str, int]) -> Pieces:
    """Return the pieces; a kind that has a counter and did not move is a zero, not an absence."""
    return pieces({kind: counted.get(kind, 0) for kind in kinds | counted.keys()})


def _kinds(line: Line) -> dict[int, set[str]]:
    """Return which kinds of pieces each equipment of the line has a counter for."""
    kinds: dict[int, set[str]] = defaultdict(set)
    rows = Counter.objects.filter(equipment__line=line)
    for equipment, kind in rows.values_list("equipment", "kind"):
        kinds[equipment].add(kind)
    return kinds


def _tallies(
    line: Line, start: datetime, end: datetime
) -> tuple[dict[int, dict[str, int]], dict[int, dict[str, int]]]:
    """Return the pieces of the window by equipment and kind: all, and those that a target is for."""
    all_: dict[int, dict[str, int]] = defaultdict(dict)
    comparable: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Tally.objects.within(start, end).filter(equipment__line=line).order_by()
    for equipment, kind, is_measured, product, quantity in rows.values_list(
        "equipment", "kind", "measured", "product"
    ).annotate(Sum("quantity")):
        all_[equipment][kind] = all_[equipment].get(kind, 0) + quantity
        if is_measured and product is not None:
            comparable[equipment][kind] = comparable[equipment].get(kind, 0) + quantity
    return all_, comparable


def _now(
    equipment: Equipment, made: Pieces, standards: Sequence[Standard], now: datetime
) -> facts.EquipmentNow:
    condition: Condition | None = getattr(equipment, "condition", None)
    context: Context | None = getattr(equipment, "context", None)
    return facts.EquipmentNow(
        equipment_code=equipment.code,
        name=equipment.name,
        state=cast(facts.State, condition.state if condition else State.NO_DATA.value),
        since=condition.since if condition else None,
        speed=condition.speed if condition else None,
        target_speed=_target_speed(context, standards, now),
        good=made.good,
        reject=made.reject,
        operator=str(context.operator) if context and context.operator else None,
        planned_stop=(context.planned_stop_reason or "planned stop")
        if context and context.planned_stop
        else None,
        product=context.product.name if context and context.product else None,
    )


def _target_speed(
    context: Context | None, standards: Sequence[Standard], now: datetime
) -> float | None:
    if context is None:
        return None
    if context.target_speed is not None:
        return context.target_speed
    seconds = in_force(standards, context.product_id, now)
    return float(60 / seconds) if seconds else None


def _update(
    constraint: facts.EquipmentNow | None,
    rows: list[facts.EquipmentNow],
    of_day: _OfDay,
    window: facts.Window,
) -> facts.ProductionUpdate:
    has_target = constraint is not None and of_day.output.target is not None
    return facts.ProductionUpdate(
        equipment=rows,
        constraint=constraint.equipment_code if constraint else None,
        state=constraint.state if constraint else "no_data",
        speed=constraint.speed if constraint else None,
        target_speed=constraint.target_speed if constraint else None,
        good=constraint.good if constraint else 0,
        reject=constraint.reject if constraint else 0,
        target=of_day.output.target,
        efficiency=of_day.output.efficiency,
        good_aside=constraint.good - of_day.good if constraint and has_target else 0,
        downtime_s=(of_day.measured - of_day.running).total_seconds(),
        measured_s=of_day.measured.total_seconds(),
        why=of_day.output.why,
        job=None,
        product=constraint.product if constraint else None,
        rate=of_day.rate,
        rate_before=of_day.rate_before,
        window=window,
    )
