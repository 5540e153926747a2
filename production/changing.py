"""When a changeover is over, how long it should take, and how long such ones took (pure)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from statistics import median
from typing import Protocol, TypeVar

from production.pieces import GOOD, REJECT, TOTAL, Pieces, pieces

SLOWEST_SHARE = Decimal("0.5")
"""Of the ideal rate: what is made slower than this is not yet made at rate."""


class Aim(Protocol):
    """A target for changeovers of a line, or any, from a product, or any, to a product, or any: their ids."""

    line_id: int | None
    from_product_id: int | None
    to_product_id: int | None


AnAim = TypeVar("AnAim", bound=Aim)


def most_particular(
    aims: Iterable[AnAim], line: int, from_product: int | None, to_product: int
) -> AnAim | None:
    """Return the target that holds for a changeover, or None.

    One of the line comes before one of any line; then one of both products before one of either before one
    of neither. Of the two in the middle that of the product to come holds, since it is what is set up.
    """
    asked = (line, from_product, to_product)
    found = [
        aim
        for aim in aims
        if all(own in {None, wanted} for own, wanted in zip(_named(aim), asked, strict=True))
    ]
    return max(found, key=_particularity, default=None)


def _named(aim: Aim) -> tuple[int | None, int | None, int | None]:
    return aim.line_id, aim.from_product_id, aim.to_product_id


def _particularity(aim: Aim) -> tuple[bool, int, bool]:
    line, *products = (each is not None for each in _named(aim))
    return line, sum(products), products[1]


def made(counted: Mapping[str, int], read: Collection[str], kinds: Collection[str]) -> Pieces:
    """Return the pieces of one reading from what was counted, by kind.

    `read` are the kinds that this reading showed and `kinds` those the equipment is counted by. Where one was
    not read, no difference of two counters is taken: neither a reject nor a good piece is made up.
    """
    if set(kinds) <= set(read):
        return pieces({kind: counted.get(kind, 0) for kind in read})
    good, reject = counted.get(GOOD, 0), counted.get(REJECT, 0)
    return Pieces(good, reject, max(good + reject, counted.get(TOTAL, 0)))


def slowest(ideal_cycle_s: Decimal | None) -> float:
    """Return the pieces a minute from which on a product is made at rate; 0 without an ideal cycle."""
    return float(SLOWEST_SHARE * 60 / ideal_cycle_s) if ideal_cycle_s else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """Good pieces in a row; `is_enough` once they end the changeover."""

    good: int = 0
    is_enough: bool = False


def lengthen(row: Row, of: Pieces, *, needed: int, at_rate: bool) -> Row:
    """Return the row after the pieces of one reading, in whatever order they were made.

    Pieces below rate begin it anew, and so does a reject, after which none is known to be good. Good pieces
    that no order of theirs among the rejects could keep from standing `needed` in a row are enough all the
    same: so a reading of a long time tells what many short ones would.
    """
    # A reject may be counted after its piece: then it comes alone.
    if row.is_enough or not (of.good or of.reject or of.total):
        return row
    if not at_rate:
        return Row()
    # Before the first reject there is room for what is still missing less one, after each for all less one.
    room = max(0, needed - 1 - row.good) + of.reject * (needed - 1)
    if of.good > room:
        return Row(needed if of.reject else row.good + of.good, is_enough=True)
    return Row() if of.reject else Row(row.good + of.good)


@dataclass(frozen=True, slots=True)
class Lasted:
    """How long a changeover took, and how long it should have; seconds."""

    actual_s: float
    target_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long changeovers of one kind take (SMED); seconds. `within` is None where none had a target."""

    count: int
    median_s: float
    p90_s: float
    shortest_s: float
    longest_s: float
    target_s: float | None
    """The newest target that one of them had."""
    within: float | None
    """Share of those with a target that took no longer than it."""


def lengths(lasted: Sequence[Lasted]) -> Lengths:
    """Return the figures of changeovers in order of time, p90 by nearest rank. Raises ValueError for none."""
    if not lasted:
        raise ValueError("no changeover has no length")
    ordered = sorted(each.actual_s for each in lasted)
    aimed = [each for each in lasted if each.target_s is not None]
    met = [each for each in aimed if each.actual_s <= (each.target_s or 0)]
    return Lengths(
        count=len(ordered),
        median_s=median(ordered),
        p90_s=ordered[ceil(Decimal("0.9") * len(ordered)) - 1],
        shortest_s=ordered[0],
        longest_s=ordered[-1],
        target_s=aimed[-1].target_s if aimed else None,
        within=len(met) / len(aimed) if aimed else None,
    )
