"""How much of what its measured planned time allowed an equipment made, or why nobody can tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from production.accounting import times_of
from production.made import outputs
from production.making import cycles, named, products
from production.models import Equipment, Product
from production.oee import PPT, Account, seconds
from production.standards import Standard, in_force
from production.timeline import Mark, Stretch, between
from production.timelines import Extent


@dataclass(frozen=True, slots=True)
class Compared:
    """`target` in pieces, `efficiency` as a fraction of it (never clamped); `why` either is missing.

    `good` are those of the account's pieces that the target is for.
    """

    account: Account
    good: int
    target: float | None
    efficiency: float | None
    why: str | None


@dataclass(slots=True)
class _Sum:
    """What the parts of an extent come to."""

    account: Account
    good: int = 0
    target: Decimal = Decimal(0)
    unset: bool = False
    without: frozenset[int] = frozenset()


def compared(
    extents: Sequence[Extent], standards: Mapping[int, Sequence[Standard]] | None = None
) -> list[Compared]:
    """Compare the good pieces of each extent with those that its measured planned time allowed.

    The ideal cycle is that of the product in force; an extent is cut where product or ideal cycle change. Time
    for which no product was set is left out with its pieces, unless there is no other.
    """
    if not extents:
        return []
    if standards is None:
        standards = cycles(each.equipment.pk for each in extents)
    parts = [
        (number, part)
        for number, (extent, made) in enumerate(zip(extents, products(extents), strict=True))
        for each in made
        for part in _cut(each, standards.get(extent.equipment.pk, ()))
    ]
    of_parts = [
        replace(extents[number], start=part.started_at, end=part.ended_at)
        for number, part in parts
    ]
    sums = [_Sum(Account()) for _ in extents]
    times = times_of(of_parts)
    made_in = outputs(of_parts, max(each.end for each in extents))
    for (number, part), time, output in zip(parts, times, made_in, strict=True):
        _add(sums[number], part.what, replace(time, output=output))
    names = named({pk for each in sums for pk in each.without})
    return [
        _compared(extent.equipment, each, names)
        for extent, each in zip(extents, sums, strict=True)
    ]


_Pace = tuple[int | None, Decimal | None]
"""A product and its ideal cycle in seconds."""


def _cut(made: Stretch[int | None], standards: Iterable[Standard]) -> list[Stretch[_Pace]]:
    own = [each for each in standards if each.product == made.what]
    first: Mark[_Pace] = Mark(
        (made.what, in_force(own, made.what, made.started_at)), made.started_at
    )
    changes: list[Mark[_Pace]] = [
        Mark((made.what, each.seconds), each.effective_from)
        for each in own
        if made.started_at < each.effective_from < made.ended_at
    ]
    return between([first, *changes], made.ended_at)


def _add(whole: _Sum, pace: _Pace, account: Account) -> None:
    whole.account += account
    product, seconds_each = pace
    planned = seconds(account.of(*PPT))
    if product is None:
        whole.unset |= bool(planned)
        return
    whole.good += account.output.good
    if seconds_each is not None:
        whole.target += planned / seconds_each
    elif planned:
        whole.without |= {product}


def _compared(equipment: Equipment, whole: _Sum, names: Mapping[int, Product]) -> Compared:
    def without_target(why: str) -> Compared:
        return Compared(whole.account, whole.good, None, None, why)

    if whole.without:
        missing = ", ".join(names[pk].name for pk in sorted(whole.without))
        return without_target(f"no ideal cycle of {missing} on {equipment.name}")
    if whole.target:
        target = whole.target
        return Compared(
            whole.account, whole.good, float(target), float(whole.good / target), None
        )
    if whole.unset:
        return without_target(f"no product is set for measured time of {equipment.name}")
    return Compared(whole.account, whole.good, 0.0, None, "nothing was measured yet")
