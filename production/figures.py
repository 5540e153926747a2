"""The figures of lines now, over the present shift so far, in a number of queries that does not grow."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from ms5.accounts.models import User
from ms5.events import facts
from production.calendars import calendars
from production.choices import JobStatus, State
from production.made import outputs
from production.making import cycles
from production.models import Condition, Context, Equipment, Job, Line
from production.oee import PPT, Account, Bucket, Output
from production.output import Compared, compared
from production.standards import Standard, in_force
from production.stops import NO_DATA
from production.timeline import clip
from production.timelines import Extent, states_of
from production.windows import day_start, present

__all__ = ["day_start", "production_update", "production_updates"]

RATE_WINDOW = timedelta(minutes=10)
NO_CONSTRAINT = "no equipment is the constraint of this line"


def production_update(line: Line, now: datetime) -> facts.ProductionUpdate:
    """Return the figures of one line."""
    return production_updates([line], now)[line.pk]


def production_updates(
    lines: Sequence[Line], now: datetime
) -> dict[int, facts.ProductionUpdate]:
    """Return by line its equipment in flow order, and the figures of its constraint.

    Pieces that a counter showed after a gap are in `good` and `reject`, but not in efficiency and rate, since
    no measured time stands behind them; nor are those, with their time, for which no product was set. Without
    a constraint the figures are empty, and `why` says so.
    """
    by_line = calendars(lines)
    starts = {pk: present(calendar, now).started_at for pk, calendar in by_line.items()}
    equipment = list(Equipment.objects.filter(line__in=starts).in_flow_order())
    conditions = _conditions(starts)
    contexts = _contexts(starts)
    constraints = [each for each in equipment if each.is_constraint]
    standards = cycles(each.pk for each in equipment)
    whole = [
        Extent(each, starts[each.line_id], now, by_line[each.line_id]) for each in equipment
    ]
    recent = _recent(constraints, now)
    made_in = outputs([*whole, *recent], now)
    made = dict(zip((each.pk for each in equipment), made_in[: len(whole)], strict=True))
    of_shift = dict(
        zip(
            (each.line_id for each in constraints),
            compared([each for each in whole if each.equipment.is_constraint], standards),
            strict=True,
        )
    )
    rates = _rates(constraints, recent, made_in[len(whole) :])
    jobs = dict(
        Job.objects.filter(line__in=starts, status=JobStatus.RUNNING).values_list(
            "line", "number"
        )
    )
    rows: dict[int, list[facts.EquipmentNow]] = defaultdict(list)
    of_constraint: dict[int, facts.EquipmentNow] = {}
    for each in equipment:
        row = _now(
            each,
            made[each.pk],
            conditions.get(each.pk, _UNSEEN),
            contexts.get(each.pk, _UNSET),
            standards.get(each.pk, ()),
            now,
        )
        rows[each.line_id].append(row)
        if each.is_constraint:
            of_constraint[each.line_id] = row
    return {
        pk: _update(
            of_constraint.get(pk),
            rows[pk],
            of_shift.get(pk, _NOTHING),
            rates.get(pk, _NO_RATES),
            jobs.get(pk),
            facts.Window(started_at=start, to=now),
        )
        for pk, start in starts.items()
    }


_NOTHING = Compared(Account(), 0, None, None, NO_CONSTRAINT)


@dataclass(frozen=True, slots=True)
class _Rates:
    """Good pieces a minute of the measured time of the last window, and of the one before."""

    now: float | None
    before: float | None


_NO_RATES = _Rates(None, None)


def _recent(constraints: Sequence[Equipment], now: datetime) -> list[Extent]:
    """Return the last window of each, then the one before of each."""
    recent = now - RATE_WINDOW
    return [
        *(Extent(each, recent, now) for each in constraints),
        *(Extent(each, recent - RATE_WINDOW, recent) for each in constraints),
    ]


def _rates(
    constraints: Sequence[Equipment], extents: Sequence[Extent], made_in: Sequence[Output]
) -> Mapping[int, _Rates]:
    """Return the rates by line."""
    rates = []
    # Both windows of an equipment are read as one: many of its spans would be read twice.
    both = zip(extents[: len(constraints)], extents[len(constraints) :], strict=True)
    seen = states_of([replace(late, start=early.start) for late, early in both])
    measured = [[state for state in own if state.what.state != NO_DATA] for own in seen]
    for extent, states, made in zip(extents, measured * 2, made_in, strict=True):
        parts = clip(states, extent.start, extent.end)
        length = sum((part.length for part in parts), timedelta())
        rates.append(made.good / (length / timedelta(minutes=1)) if length else None)
    middle = len(constraints)
    return {
        each.line_id: _Rates(rates[number], rates[middle + number])
        for number, each in enumerate(constraints)
    }


class _Condition(NamedTuple):
    """What is said of a condition; without one nothing was ever read."""

    state: str
    since: datetime | None
    speed: float | None


class _Context(NamedTuple):
    """What is said of a context: `product` by its name, `operator` as people call them."""

    product_id: int | None
    product: str | None
    operator: str | None
    target_speed: float | None
    planned_stop: bool
    reason: str


_UNSEEN = _Condition(State.NO_DATA, None, None)
_UNSET = _Context(None, None, None, None, planned_stop=False, reason="")


def _conditions(lines: Collection[int]) -> dict[int, _Condition]:
    """Return the conditions by equipment: values, since an instance of each takes longer than all the rest."""
    rows = Condition.objects.filter(equipment__line__in=lines)
    return {
        pk: _Condition(state, since, speed)
        for pk, state, since, speed in rows.values_list("equipment", "state", "since", "speed")
    }


def _contexts(lines: Collection[int]) -> dict[int, _Context]:
    """Return the contexts by equipment. One query, and one for the operators if there are any."""
    rows = Context.objects.filter(equipment__line__in=lines).values_list(
        "equipment",
        "product",
        "product__name",
        "operator",
        "target_speed",
        "planned_stop",
        "planned_stop_reason",
    )
    found: list[tuple[Any, ...]] = list(rows)
    operators = User.objects.in_bulk({row[3] for row in found if row[3] is not None})
    return {
        pk: _Context(
            product,
            name,
            None if operator is None else str(operators[operator]),
            target_speed,
            is_on,
            reason,
        )
        for pk, product, name, operator, target_speed, is_on, reason in found
    }


def _now(  # noqa: PLR0917 - what the row is made of, each of its own type
    equipment: Equipment,
    made: Output,
    condition: _Condition,
    context: _Context,
    standards: Sequence[Standard],
    now: datetime,
) -> facts.EquipmentNow:
    good = max(0, made.good + made.aside_good)
    total = max(0, made.total + made.aside_total)
    return facts.EquipmentNow(
        equipment_code=equipment.code,
        name=equipment.name,
        state=cast(facts.State, str(condition.state)),
        since=condition.since,
        speed=condition.speed,
        target_speed=_target_speed(context, standards, now),
        good=good,
        reject=max(0, total - good),
        operator=context.operator,
        planned_stop=(context.reason or "planned stop") if context.planned_stop else None,
        product=context.product,
    )


def _target_speed(
    context: _Context, standards: Sequence[Standard], now: datetime
) -> float | None:
    if context.target_speed is not None:
        return context.target_speed
    seconds = in_force(standards, context.product_id, now)
    return float(Decimal(60) / seconds) if seconds else None


def _update(  # noqa: PLR0917 - what the gauge is made of, each of its own type
    constraint: facts.EquipmentNow | None,
    rows: list[facts.EquipmentNow],
    of_shift: Compared,
    rates: _Rates,
    job: str | None,
    window: facts.Window,
) -> facts.ProductionUpdate:
    measured = of_shift.account.of(*PPT)
    has_target = constraint is not None and of_shift.target is not None
    return facts.ProductionUpdate(
        equipment=rows,
        constraint=constraint.equipment_code if constraint else None,
        state=constraint.state if constraint else "no_data",
        speed=constraint.speed if constraint else None,
        target_speed=constraint.target_speed if constraint else None,
        good=constraint.good if constraint else 0,
        reject=constraint.reject if constraint else 0,
        target=of_shift.target,
        efficiency=of_shift.efficiency,
        good_aside=constraint.good - of_shift.good if constraint and has_target else 0,
        downtime_s=(measured - of_shift.account.of(Bucket.RUNNING)).total_seconds(),
        measured_s=measured.total_seconds(),
        why=of_shift.why,
        job=job,
        product=constraint.product if constraint else None,
        rate=rates.now,
        rate_before=rates.before,
        window=window,
    )
