"""The Pareto of downtime: losses by reason, category, equipment, product or shift, in a window.

Its lengths are those of the leaves that the OEE is made of, so that the two cannot disagree.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Literal, get_args

from production.accounting import until
from production.calendars import calendars
from production.choices import Category, Loss
from production.losses import LOSSES
from production.lost import LostTime, losses_of
from production.models import Equipment, Line, Product, Reason
from production.oee import STOPS, Bucket
from production.ranking import Lost, Rank, ranked
from production.shifts import Calendar, shift_times
from production.timeline import Stretch, without
from production.timelines import Extent

By = Literal["reason", "category", "equipment", "product", "shift"]
BYS: tuple[By, ...] = get_args(By)
UNASSIGNED, OUTSIDE = "Unassigned", "Outside of shifts"
MINUTE = timedelta(minutes=1)
Key = int | str | None

# Time that lies in these whatever was said of the stop in it.
_WHATEVER = {
    Loss.CHANGEOVER.value: "Changeover, whatever stood in it",
    Loss.PLANNED.value: "Break, no demand or announced stop",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is put down to one thing; `code` None is what nobody has put down to any."""

    code: str | None
    name: str
    length: timedelta
    count: int
    lost_parts: Fraction | None
    share: float | None
    cumulative_share: float | None

    @property
    def minutes(self) -> float:
        return self.length / MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Losses longest first, what is unassigned before all; planned stops and micro-stops apart.

    `lengths` are those of the rows by loss, and the buckets of the account.
    """

    by: By
    rows: Sequence[Row]
    planned: Sequence[Row]
    lengths: Mapping[Loss, timedelta]
    unassigned_minutes: float
    small_stops: int
    small_stop_minutes: float


def pareto(
    equipment_ids: Collection[int],
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    by: By = "reason",
) -> Pareto:
    """Return the Pareto of what [start, end) lost, as far as it lies before `now`.

    A downtime counts once, where it first cost what its reason says, and its time in the window in which it
    lies. Time of it in a break, an announced stop or a changeover is theirs, as in the accounts. Stops that are
    no downtime yet are unassigned. The queries are as many for any number of equipment.
    """
    machines = list(Equipment.objects.filter(pk__in=equipment_ids).select_related("line"))
    keyed = _extents(machines, start, end, by)
    found = losses_of(until([extent for _, extent in keyed], now))
    losses: list[Lost[Key]] = []
    planned: list[Lost[Key]] = []
    lengths = dict.fromkeys(Loss, timedelta())
    unassigned = timedelta()
    for (shift, extent), lossy in zip(keyed, found, strict=True):
        for each in lossy.lost:
            key = shift if by == "shift" else _key(each, extent.equipment.pk, by)
            row = Lost(key, each.length, each.begun, each.cycle)
            (losses if each.bucket in LOSSES else planned).append(row)
            lengths[_loss(each.bucket)] += each.length
            if each.bucket in STOPS and each.reason is None:
                unassigned += each.length
    names = _names(by, {row.key for row in (*losses, *planned)})
    nameless = OUTSIDE if by == "shift" else UNASSIGNED
    return Pareto(
        by=by,
        rows=[_row(rank, names, nameless) for rank in ranked(losses)],
        planned=[_row(rank, names, nameless) for rank in ranked(planned)],
        lengths=lengths,
        unassigned_minutes=unassigned / MINUTE,
        small_stops=sum(each.account.small_stops for each in found),
        small_stop_minutes=sum(
            (each.account.of(Bucket.SMALL_STOP) for each in found), timedelta()
        )
        / MINUTE,
    )


def _extents(
    machines: Sequence[Equipment], start: datetime, end: datetime, by: By
) -> list[tuple[str | None, Extent]]:
    """Return the window of each equipment, by shift cut into its shifts and what lies outside of them."""
    by_line = calendars(Line.objects.filter(pk__in={each.line_id for each in machines}))
    if by != "shift":
        return [(None, Extent(each, start, end, by_line[each.line_id])) for each in machines]
    # Lines of a site mostly have its calendar: each is worked out once.
    cut = {each: _shifts(each, start, end) for each in set(by_line.values())}
    return [
        (part.what, Extent(each, part.started_at, part.ended_at, by_line[each.line_id]))
        for each in machines
        for part in cut[by_line[each.line_id]]
    ]


def _shifts(calendar: Calendar, start: datetime, end: datetime) -> list[Stretch[str | None]]:
    """Return the window cut into shifts, by name; where two overlap, the one that began later has the time."""
    times = sorted(shift_times(calendar, start, end), key=lambda each: each.started_at)
    ends = [min(one.ended_at, after.started_at) for one, after in pairwise(times)]
    ends += [each.ended_at for each in times[-1:]]
    shifts: list[Stretch[str | None]] = [
        Stretch(each.name, max(each.started_at, start), min(ended, end))
        for each, ended in zip(times, ends, strict=True)
        if max(each.started_at, start) < min(ended, end)
    ]
    whole: Stretch[str | None] = Stretch(None, start, end)
    return [*shifts, *without(whole, shifts)]


def _loss(bucket: Bucket) -> Loss:
    if bucket in STOPS:
        return Loss.STOP
    return Loss.CHANGEOVER if bucket is Bucket.CHANGEOVER else Loss.PLANNED


def _key(lost: LostTime, equipment: int, by: By) -> Key:
    loss = _loss(lost.bucket)
    whatever = None if loss is Loss.STOP else loss.value
    match by:
        case "reason":
            return whatever if lost.reason is None else lost.reason
        case "category" if lost.reason is None:
            return whatever or Category.UNPLANNED.value
        case "category":
            return lost.category
        case "equipment":
            return equipment
        case _:
            return lost.product


def _names(by: By, keys: Collection[Key]) -> dict[Key, tuple[str, str]]:
    """Return code and name by key."""
    numbers = [key for key in keys if isinstance(key, int)]
    found: dict[Key, tuple[str, str]] = {}
    match by:
        case "reason":
            reasons = Reason.objects.in_bulk(numbers).items()
            found = {pk: (row.code, row.name) for pk, row in reasons}
            found |= {code: (code, name) for code, name in _WHATEVER.items()}
        case "equipment":
            machines = Equipment.objects.in_bulk(numbers).items()
            found = {pk: (row.code, row.name) for pk, row in machines}
        case "product":
            products = Product.objects.in_bulk(numbers).items()
            found = {pk: (row.code, row.name) for pk, row in products}
        case "category":
            found = {each.value: (each.value, str(each.label)) for each in Category}
        case "shift":
            found = {key: (key, key) for key in keys if isinstance(key, str)}
    return found


def _row(rank: Rank[Key], names: Mapping[Key, tuple[str, str]], nameless: str) -> Row:
    code, name = names.get(rank.key, (None, nameless))
    return Row(
        code=code,
        name=name,
        length=rank.length,
        count=rank.count,
        lost_parts=rank.lost_parts,
        share=rank.share,
        cumulative_share=rank.cumulative_share,
    )
