"""What is known of equipment around windows, from its rows, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from production import layers
from production.calendars import calendars
from production.choices import Loss, SixLoss
from production.layers import FIRST, LAST, Row, Wanted, moment, moment_or_none
from production.limits import limits_of
from production.models import Condition, Equipment, IdealCycle, Line
from production.oee import MICROSECOND, Bucket, Cause, Plan, Seen, Timeline
from production.shifts import Calendar, plan
from production.slow import Pause, Slow, slow_cycles
from production.stop_limits import Limits
from production.stops import Stop, stops
from production.timeline import BY_START, Mark, Stretch, between, clip

_BY_LOSS = {Loss.PLANNED: Bucket.PLANNED, Loss.CHANGEOVER: Bucket.CHANGEOVER}
_BY_SIX = {SixLoss.SETUP: Bucket.ADJUSTMENT, SixLoss.IDLING: Bucket.IDLING}


@dataclass(frozen=True, slots=True)
class Extent:
    """A half-open window of an equipment; its calendar is looked up unless it is known."""

    equipment: Equipment
    start: datetime
    end: datetime
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The timeline around an extent, whole stops that touch it, which product was set when, slow cycles."""

    timeline: Timeline
    stops: Sequence[Stop]
    products: Sequence[Stretch[int | None]]
    slow: Sequence[Slow]

    def own(self) -> Mapping[int, Bucket]:
        """Return the bucket that the reason of each downtime says."""
        causes = (each.what for each in self.timeline.causes)
        return {each.downtime: each.bucket for each in causes if each.downtime is not None}


def known(extents: Sequence[Extent]) -> list[Known]:
    """Return what is known of each extent, in order.

    The present state is known until the last reading that told it; what was not read is not known. Whether a
    stop is a micro-stop is decided by its whole length and the threshold of the product in force when it began.
    """
    if not extents:
        return []
    wanted = _wanted(extents)
    spans = _by_number(layers.spans(wanted))
    states = _all_states(extents, spans)
    downtimes = _by_number(layers.downtimes(wanted))
    changeovers = _by_number(layers.changeovers(_of_lines(extents)))
    changes = _by_number(layers.context_changes(_since_first(wanted, spans)))
    equipment_by_id = {each.equipment.pk: each.equipment for each in extents}
    limits = limits_of(equipment_by_id.values())
    slow_limits = _slow_limits(equipment_by_id)
    pauses = _by_number(layers.pauses(wanted))
    plans = _plans(extents)
    found = []
    for number, extent in enumerate(extents):
        equipment = extent.equipment
        marks = [
            (moment(at), product, said, reason)
            for _, at, product, said, reason in changes[number]
        ]
        products = [Mark(product, at) for at, product, _, _ in marks]
        whole = stops(
            Stretch(each.what.state, each.started_at, each.ended_at) for each in states[number]
        )
        own = limits[equipment.pk]
        timeline = Timeline(
            states=states[number],
            plan=list(clip(plans[equipment.line_id], extent.start, extent.end)),
            said=list(_said(marks, extent.end)),
            changeovers=apart(
                Stretch(int(pk), moment(began), moment_or_none(ended) or LAST)
                for _, pk, began, ended in changeovers[number]
            ),
            causes=[
                Stretch(
                    Cause(bucket_of(loss, six), pk),
                    moment(began),
                    moment_or_none(ended) or LAST,
                )
                for _, pk, began, ended, loss, six in downtimes[number]
            ],
            small=[
                stop
                for stop in whole
                if stop.is_small(
                    own.stop_after(_product_at(products, stop.started_at), stop.started_at)
                )
            ],
        )
        set_when = between([Mark(None, FIRST), *products], extent.end)
        slow = slow_cycles(
            [
                _pause(equipment, own, slow_limits.get(equipment.pk, ()), *row)
                for row in pauses[number]
            ],
            states[number],
        )
        found.append(Known(timeline, whole, set_when, slow))
    return found


def widened(extents: Sequence[Extent]) -> list[Extent]:
    """Return them from where the downtime across the start of each began, if there is one. One query."""
    wanted = [
        Wanted(number, each.equipment.pk, each.start, each.start + MICROSECOND)
        for number, each in enumerate(extents)
    ]
    found = list(extents)
    for number, _, began, ended, _, _ in layers.downtimes(wanted):
        start = extents[number].start
        if moment(began) < start < (moment_or_none(ended) or LAST):
            found[number] = replace(extents[number], start=moment(began))
    return found


def states_of(extents: Sequence[Extent]) -> list[list[Stretch[Seen]]]:
    """Return what is known of the states alone, with whole stops across both ends, in two queries."""
    return _all_states(extents, _by_number(layers.spans(_wanted(extents))))


def bucket_of(loss: str | None, six_loss: str | None) -> Bucket:
    """Return where a downtime falls by its reason; without one it is a failure."""
    if loss in _BY_LOSS:
        return _BY_LOSS[Loss(loss)]
    return _BY_SIX.get(SixLoss(six_loss), Bucket.FAILURE) if six_loss else Bucket.FAILURE


def apart(stretches: Iterable[Stretch[int]]) -> list[Stretch[int]]:
    """Return them in order, without what of a later one lies in an earlier one."""
    found: list[Stretch[int]] = []
    for each in sorted(stretches, key=BY_START):
        began = max(each.started_at, found[-1].ended_at) if found else each.started_at
        if began < each.ended_at:
            found.append(Stretch(each.what, began, each.ended_at))
    return found


def _wanted(extents: Sequence[Extent]) -> list[Wanted]:
    return [
        Wanted(number, each.equipment.pk, each.start, each.end)
        for number, each in enumerate(extents)
    ]


def _of_lines(extents: Sequence[Extent]) -> list[Wanted]:
    return [
        Wanted(number, each.equipment.line_id, each.start, each.end)
        for number, each in enumerate(extents)
    ]


def _since_first(wanted: Sequence[Wanted], spans: Mapping[int, Sequence[Row]]) -> list[Wanted]:
    """Return the windows from the beginning of their first span, whose product may decide a stop's length."""
    found = []
    for each in wanted:
        rows = spans[each.number]
        since = min(each.since, moment(rows[0][3])) if rows else each.since
        found.append(Wanted(each.number, each.owner, since, each.until))
    return found


def _by_number(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _all_states(
    extents: Sequence[Extent], spans: Mapping[int, Sequence[Row]]
) -> list[list[Stretch[Seen]]]:
    ids = {each.equipment.pk for each in extents}
    read_at = dict(
        Condition.objects.filter(pk__in=ids).values_list("equipment", "state_read_at")
    )
    return [
        list(_states(spans[number], read_at.get(extent.equipment.pk)))
        for number, extent in enumerate(extents)
    ]


def _states(rows: Iterable[Row], read_at: datetime | None) -> Iterator[Stretch[Seen]]:
    for _, pk, state, began, ended in rows:
        start, end = moment(began), moment_or_none(ended) or read_at
        if end is not None and start < end:
            yield Stretch(Seen(state, pk), start, end)


def _said(
    marks: Sequence[tuple[datetime, int | None, bool, str]], end: datetime
) -> Iterator[Stretch[str]]:
    held = between((Mark((said, reason), at) for at, _, said, reason in marks), end)
    for each in held:
        is_on, reason = each.what
        if is_on:
            yield Stretch(reason, each.started_at, each.ended_at)


@dataclass(frozen=True, slots=True)
class _SlowLimit:
    """From when on a cycle of a product is slow after so many seconds; None: as the equipment says."""

    product: int
    since: datetime
    seconds: float | None


def _slow_limits(equipment_ids: Iterable[int]) -> Mapping[int, Sequence[_SlowLimit]]:
    """Return the thresholds of products, in order of time, for the equipment that has any."""
    has_any = IdealCycle.objects.filter(equipment__in=equipment_ids, slow_after_s__isnull=False)
    rows = IdealCycle.objects.filter(equipment__in=has_any.values("equipment"))
    found: dict[int, list[_SlowLimit]] = defaultdict(list)
    for row in rows.order_by("effective_from"):
        limit = _SlowLimit(row.product_id, row.effective_from, row.slow_after_s)
        found[row.equipment_id].append(limit)
    return found


def _product_at(products: Sequence[Mark[int | None]], at: datetime) -> int | None:
    return next((mark.what for mark in reversed(products) if mark.at <= at), None)


def _pause(  # noqa: PLR0917 - a row of the table, column by column
    equipment: Equipment,
    own: Limits,
    slow_limits: Iterable[_SlowLimit],
    _number: int,
    began: Any,
    ended: Any,
    product: int | None,
    cycle: Decimal | None,
) -> Pause:
    at = moment(ended)
    seconds = None
    for limit in slow_limits:
        if limit.product == product and limit.since <= at:
            seconds = limit.seconds
    return Pause(
        moment(began),
        at,
        timedelta(seconds=equipment.slow_after_s if seconds is None else seconds),
        own.stop_after(product, at),
        None if cycle is None else layers.microseconds(cycle) * MICROSECOND,
    )


def _plans(extents: Sequence[Extent]) -> Mapping[int, Sequence[Stretch[Plan]]]:
    """Return what is planned for each line, from its first extent to its last."""
    hulls: dict[int, tuple[datetime, datetime]] = {}
    by_line = {
        each.equipment.line_id: each.calendar for each in extents if each.calendar is not None
    }
    for each in extents:
        start, end = hulls.get(each.equipment.line_id, (each.start, each.end))
        hulls[each.equipment.line_id] = min(start, each.start), max(end, each.end)
    if unknown := hulls.keys() - by_line.keys():
        by_line |= calendars(Line.objects.filter(pk__in=unknown))
    return {pk: plan(by_line[pk], *hull) for pk, hull in hulls.items()}
