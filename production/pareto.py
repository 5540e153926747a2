"""The Pareto of downtime: losses by reason, category, equipment, product or shift, in a window."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

from django.db import connections
from django.db.models import Q, QuerySet

from production.accounting import times_of, until
from production.calendars import calendars
from production.choices import Category, Loss, State
from production.layers import moment
from production.models import (
    Condition,
    Downtime,
    Equipment,
    IdealCycle,
    Line,
    Product,
    Reason,
    Span,
)
from production.oee import Bucket, Plan
from production.ranking import Away, Lost, Rank, overlapping, ranked
from production.shifts import Calendar, plan, shift_times
from production.timeline import Stretch
from production.timelines import Extent

By = Literal["reason", "category", "equipment", "product", "shift"]
BYS: tuple[By, ...] = get_args(By)
UNASSIGNED = "Unassigned"
MINUTE = timedelta(minutes=1)
Key = int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is put down to one thing; `code` None is what nobody has put down to any.

    Minutes are those of planned production time that were measured, so that they are those of the OEE.
    """

    code: str | None
    name: str
    minutes: float
    count: int
    lost_parts: Fraction | None
    share: float | None
    cumulative_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Losses longest first, what is unassigned before all; planned stops and micro-stops apart."""

    by: By
    rows: Sequence[Row]
    planned: Sequence[Row]
    unassigned_minutes: float
    small_stops: int
    small_stop_minutes: float


class _Stop(NamedTuple):
    """A downtime as far as it is known; a plain tuple, since there are many."""

    equipment: int
    started_at: datetime
    ended_at: datetime
    reason: int | None
    product: int | None
    category: str


def pareto(
    equipment_ids: Collection[int],
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    by: By = "reason",
) -> Pareto:
    """Return the Pareto of the downtimes that touch [start, end), as known at `now`.

    A downtime counts once, where it began, and its time in the window in which it lies. One that never cost any
    planned production time, as in a break, is in none. The queries are as many for any number of equipment.
    """
    floor = _Floor.of(equipment_ids, start, end)
    stops = _stops(equipment_ids, start, min(end, now))
    reasons = Reason.objects.in_bulk({each.reason for each in stops if each.reason is not None})
    losses: list[Lost[Key]] = []
    planned: list[Lost[Key]] = []
    unassigned = timedelta()
    for stop in stops:
        is_planned = _is_planned(stop, reasons)
        parts = list(floor.parts(stop, by, start, end))
        (planned if is_planned else losses).extend(parts)
        if stop.reason is None and not is_planned:
            unassigned += sum((part.length for part in parts), timedelta())
    names = _names(by, {part.key for part in (*losses, *planned)}, reasons)
    machines = Equipment.objects.filter(pk__in=equipment_ids).select_related("line")
    small = times_of(until([Extent(each, start, end) for each in machines], now))
    return Pareto(
        by=by,
        rows=[_row(rank, names) for rank in ranked(losses)],
        planned=[_row(rank, names) for rank in ranked(planned)],
        unassigned_minutes=unassigned / MINUTE,
        small_stops=sum(account.small_stops for account in small),
        small_stop_minutes=sum(
            (account.of(Bucket.SMALL_STOP) for account in small), timedelta()
        )
        / MINUTE,
    )


@dataclass(frozen=True, slots=True)
class _Floor:
    """What time of each equipment is no stop's, its shifts, and how fast it would have been."""

    away: Mapping[int, Away]
    shifts: Mapping[int, Sequence[Stretch[str]]]
    begins: Mapping[int, Sequence[datetime]]
    cycles: "_Cycles"

    @classmethod
    def of(cls, equipment_ids: Collection[int], start: datetime, end: datetime) -> "_Floor":
        lines = dict(Equipment.objects.filter(pk__in=equipment_ids).values_list("pk", "line"))
        by_line = calendars(Line.objects.filter(pk__in=set(lines.values())))
        # Lines of a site mostly have its calendar: each is worked out once.
        idle = {each: _idle(each, start, end) for each in set(by_line.values())}
        shifts = {each: _shifts(each, start, end) for each in idle}
        unknown: dict[int, list[Stretch[None]]] = defaultdict(list)
        silent = Span.objects.within(start, end).filter(
            equipment__in=equipment_ids, state=State.NO_DATA
        )
        for pk, began, ended in silent.values_list("equipment", "started_at", "ended_at"):
            unknown[pk].append(Stretch(None, began, ended or end))
        own = {pk: by_line[line] for pk, line in lines.items()}
        return cls(
            {pk: Away((*idle[own[pk]], *unknown[pk])) for pk in own},
            {pk: shifts[own[pk]] for pk in own},
            {pk: [each.started_at for each in shifts[own[pk]]] for pk in own},
            _Cycles.of(equipment_ids),
        )

    def parts(self, stop: _Stop, by: By, start: datetime, end: datetime) -> Iterator[Lost[Key]]:
        """Yield what a stop cost in the window; nothing if it cost nothing."""
        away = self.away[stop.equipment]
        began = stop.started_at if stop.started_at > start else start  # noqa: FURB136 - in every stop
        ended = stop.ended_at if stop.ended_at < end else end  # noqa: FURB136 - in every stop
        length = ended - began - away.within(began, ended)
        begun = int(stop.started_at >= start)
        if not length and stop.ended_at <= end:
            return
        cycle = self.cycles.at(stop.equipment, stop.product, stop.started_at)
        if by != "shift":
            yield Lost(_key(stop, by), length, begun, cycle)
            return
        shifts, begins = self.shifts[stop.equipment], self.begins[stop.equipment]
        for part in overlapping(shifts, begins, began, ended):
            own = part.length - away.within(part.started_at, part.ended_at)
            begun_here = int(bool(begun) and part.started_at == stop.started_at)
            if own or begun_here:
                yield Lost(part.what, own, begun_here, cycle)


@dataclass(frozen=True, slots=True)
class _Cycles:
    """Ideal cycles in microseconds by equipment and product, and from when each holds."""

    known: Mapping[tuple[int, int], tuple[Sequence[datetime], Sequence[int]]]

    @classmethod
    def of(cls, equipment_ids: Collection[int]) -> "_Cycles":
        known: dict[tuple[int, int], tuple[list[datetime], list[int]]]
        known = defaultdict(lambda: ([], []))
        rows = IdealCycle.objects.filter(equipment__in=equipment_ids).order_by("effective_from")
        for equipment, product, since, seconds in rows.values_list(
            "equipment", "product", "effective_from", "seconds"
        ):
            known[equipment, product][0].append(since)
            known[equipment, product][1].append(int(seconds * 1_000_000))
        return cls(known)

    def at(self, equipment: int, product: int | None, moment: datetime) -> int | None:
        if product is None or (equipment, product) not in self.known:
            return None
        since, cycles = self.known[equipment, product]
        begun = bisect_right(since, moment)
        return cycles[begun - 1] if begun else None


def _stops(equipment_ids: Collection[int], start: datetime, last: datetime) -> list[_Stop]:
    """Return the downtimes that touch the window; one that lasts is known until the last reading."""
    if not equipment_ids:
        return []
    rows = Downtime.objects.filter(
        Q(ended_at__gt=start) | Q(ended_at__isnull=True),
        equipment__in=equipment_ids,
        started_at__lt=last,
        merged_into__isnull=True,
    ).order_by()
    fields = ("equipment", "started_at", "ended_at", "reason", "product", "category")
    read_at = dict(
        Condition.objects.filter(pk__in=equipment_ids).values_list("pk", "state_read_at")
    )
    found = []
    for pk, started_at, ended_at, reason, product, category in _plain(
        rows.values_list(*fields)
    ):
        began = moment(started_at)
        lasts = max(began, min(read_at.get(pk) or began, last)) if ended_at is None else None
        known = lasts or moment(ended_at)
        found.append(_Stop(pk, began, known, reason, product, category))
    return found


def _plain(rows: "QuerySet[Any, Any]") -> list[tuple[Any, ...]]:
    """Return the rows as the database gives them: a model's times cost more than all the rest."""
    connection = connections[rows.db]
    with connection.cursor() as cursor:
        cursor.execute(*rows.query.get_compiler(rows.db).as_sql())
        plain: list[tuple[Any, ...]] = cursor.fetchall()
    return plain


def _idle(calendar: Calendar, start: datetime, end: datetime) -> list[Stretch[None]]:
    return [
        Stretch(None, each.started_at, each.ended_at)
        for each in plan(calendar, start, end)
        if each.what is not Plan.SCHEDULED
    ]


def _shifts(calendar: Calendar, start: datetime, end: datetime) -> list[Stretch[str]]:
    """Return the shifts by name; where two overlap the one that began later names the moment."""
    times = sorted(shift_times(calendar, start, end), key=lambda each: each.started_at)
    ends = [min(one.ended_at, after.started_at) for one, after in pairwise(times)]
    ends += [each.ended_at for each in times[-1:]]
    return [
        Stretch(each.name, each.started_at, ended)
        for each, ended in zip(times, ends, strict=True)
        if each.started_at < ended
    ]


def _is_planned(stop: _Stop, reasons: Mapping[int, Reason]) -> bool:
    if stop.reason is not None:
        return reasons[stop.reason].loss == Loss.PLANNED
    # Without a reason it is a failure in the accounts, unless somebody had announced the stop.
    return stop.category == Category.PLANNED


def _key(stop: _Stop, by: By) -> Key:
    match by:
        case "reason":
            return stop.reason
        case "category":
            return stop.category
        case "equipment":
            return stop.equipment
        case _:
            return stop.product


def _names(
    by: By, keys: Collection[Key], reasons: Mapping[int, Reason]
) -> dict[Key, tuple[str, str]]:
    """Return code and name by key."""
    numbers = [key for key in keys if isinstance(key, int)]
    match by:
        case "reason":
            return {pk: (row.code, row.name) for pk, row in reasons.items()}
        case "equipment":
            machines = Equipment.objects.in_bulk(numbers).items()
            return {pk: (row.code, row.name) for pk, row in machines}
        case "product":
            products = Product.objects.in_bulk(numbers).items()
            return {pk: (row.code, row.name) for pk, row in products}
        case "category":
            return {each.value: (each.value, str(each.label)) for each in Category}
        case "shift":
            return {key: (key, key) for key in keys if isinstance(key, str)}


def _row(rank: Rank[Key], names: Mapping[Key, tuple[str, str]]) -> Row:
    code, name = names.get(rank.key, (None, UNASSIGNED))
    return Row(
        code=code,
        name=name,
        minutes=rank.length / MINUTE,
        count=rank.count,
        lost_parts=rank.lost_parts,
        share=rank.share,
        cumulative_share=rank.cumulative_share,
    )
