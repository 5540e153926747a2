"""What equipment made in windows: whole quarters of an hour from tallies, the rest from the increments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from production import layers, quarters
from production.layers import LAST, Row, Wanted, moment, moment_or_none
from production.models import IdealCycle, Tally
from production.oee import Account, Output
from production.pieces import GOOD, TOTAL
from production.shares import Share, shares
from production.timeline import Stretch, clip
from production.timelines import Extent, apart

# Kind, the counters of the time, product, ideal cycle, and whether measured time stands behind the pieces.
Key = tuple[str, str, int | None, int | None, bool]
Sums = dict[Key, int]
_NONE: frozenset[str] = frozenset()


def outputs(extents: Sequence[Extent], now: datetime, *, exact: bool = False) -> list[Output]:
    """Return the output of each extent, in order; `exact` reads increments alone, and gives the same.

    A piece belongs to the time that its reading ends: it is of the extent if it was read after its start, up to
    and with its end.
    """
    sums = counted(extents, now, exact=exact)
    rejected = _in_changeovers(extents)
    seconds = seconds_of({*_cycles_in(sums), *_cycles_in(rejected)})
    entered = entered_kinds(zip((each.equipment.pk for each in extents), sums, strict=True))
    return [
        _output(
            sums[number],
            rejected.get(number, {}),
            entered.get(extent.equipment.pk, _NONE),
            seconds,
        )
        for number, extent in enumerate(extents)
    ]


def counted(extents: Sequence[Extent], now: datetime, *, exact: bool = False) -> list[Sums]:
    """Return the pieces of each extent by kind, counters, product, ideal cycle and whether they are measured.

    Of the quarter that still goes on, what was read after the end is taken out of its tally: that is
    little, and all that was read before would be much.
    """
    found: list[Sums] = [defaultdict(int) for _ in extents]
    added: list[Wanted] = []
    taken: list[Wanted] = []
    tallied: list[Wanted] = []
    for number, each in enumerate(extents):
        if each.start >= each.end:
            continue
        owner = each.equipment.pk
        first, last = quarters.whole(each.start, each.end)
        if exact or first > last:
            added.append(Wanted(number, owner, each.start, each.end))
            continue
        until = last
        if each.start < first:
            added.append(Wanted(number, owner, each.start, first))
        if last < each.end and last + quarters.QUARTER > now:
            until = last + quarters.QUARTER
            taken.append(Wanted(number, owner, each.end, until))
        elif last < each.end:
            added.append(Wanted(number, owner, last, each.end))
        if first < until:
            tallied.append(Wanted(number, owner, first, until))
    _sum(found, layers.tallies(tallied))
    _sum(found, layers.counts(added))
    _sum(found, layers.counts(taken), sign=-1)
    return found


def entered_kinds(counted_by: Iterable[tuple[int, Sums]]) -> dict[int, frozenset[str]]:
    """Return by equipment the kinds that people ever entered where counters count neither good nor all pieces.

    Given are equipment and what was counted there; no query where counters told everything.
    """
    ids = {
        pk for pk, sums in counted_by if any(_is_by_hand(counters) for _, counters, *_ in sums)
    }
    if not ids:
        return {}
    rows = Tally.objects.filter(equipment__in=ids).order_by()
    found: dict[int, set[str]] = defaultdict(set)
    for pk, kind, counters in rows.values_list("equipment", "kind", "counters").distinct():
        if _is_by_hand(counters):
            found[pk].add(kind)
    return {pk: frozenset(own) for pk, own in found.items()}


def share_of(kind: str, counters: str, entered: frozenset[str]) -> Share:
    """Return what a piece of a kind is, by the counters of its time.

    Where neither good nor all pieces had a counter, people enter them: then whatever was ever entered counts.
    """
    kinds = frozenset(counters.split())
    return shares(kinds | entered if _is_by_hand(counters) else kinds)[kind]


def _is_by_hand(counters: str) -> bool:
    return not {GOOD, TOTAL}.intersection(counters.split())


def seconds_of(cycles: Iterable[int]) -> dict[int, Decimal]:
    """Return the exact seconds of these versions of ideal cycles."""
    rows = IdealCycle.objects.filter(pk__in=set(cycles))
    return dict(rows.values_list("pk", "seconds"))


def _sum(
    found: Sequence[Sums] | Mapping[int, Sums], rows: Iterable[Row], sign: int = 1
) -> None:
    for number, kind, counters, product, cycle, is_measured, quantity in rows:
        key = (kind, counters, product, cycle, bool(is_measured))
        found[number][key] += sign * int(quantity)


def _cycles_in(sums: Sequence[Sums] | Mapping[int, Sums]) -> set[int]:
    each_ = sums.values() if isinstance(sums, Mapping) else sums
    return {cycle for each in each_ for _, _, _, cycle, _ in each if cycle is not None}


def _in_changeovers(extents: Sequence[Extent]) -> dict[int, Sums]:
    """Return by number the pieces that were read during a changeover of the line."""
    stretches: dict[int, list[Stretch[int]]] = defaultdict(list)
    lines = [
        Wanted(number, each.equipment.line_id, each.start, each.end)
        for number, each in enumerate(extents)
    ]
    for number, pk, began, ended in layers.changeovers(lines):
        stretches[number].append(Stretch(pk, moment(began), moment_or_none(ended) or LAST))
    wanted = [
        Wanted(number, extents[number].equipment.pk, part.started_at, part.ended_at)
        for number, own in stretches.items()
        for part in clip(apart(own), extents[number].start, extents[number].end)
    ]
    found: dict[int, Sums] = defaultdict(lambda: defaultdict(int))
    _sum(found, layers.counts(wanted))
    return found


def _output(
    sums: Mapping[Key, int],
    rejected: Mapping[Key, int],
    entered: frozenset[str],
    seconds: Mapping[int, Decimal],
) -> Output:
    good = total = aside_good = aside_total = 0
    good_s = total_s = Decimal(0)
    without: set[int | None] = set()
    for (kind, counters, product, cycle, is_measured), quantity in sums.items():
        share = share_of(kind, counters, entered)
        if not quantity or share == Share(0, 0):
            continue
        if not is_measured:
            aside_good += share.good * quantity
            aside_total += share.total * quantity
            continue
        good += share.good * quantity
        total += share.total * quantity
        if cycle is None:
            without.add(product)
        else:
            good_s += share.good * quantity * seconds[cycle]
            total_s += share.total * quantity * seconds[cycle]
    startup_s = Decimal(0)
    for (kind, counters, _, cycle, is_measured), quantity in rejected.items():
        if is_measured and cycle is not None:
            share = share_of(kind, counters, entered)
            startup_s += (share.total - share.good) * quantity * seconds[cycle]
    return Output(
        good, total, good_s, total_s, startup_s, aside_good, aside_total, frozenset(without)
    )


def products_without(accounts: Iterable[Account]) -> set[int]:
    """Return the products that have no ideal cycle where they were made, for their names."""
    return {pk for each in accounts for pk in each.output.without if pk is not None}
