"""Good, reject and total pieces from whichever of the three are counted (pure)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

GOOD, REJECT, TOTAL = "good", "reject", "total"
KINDS = (GOOD, REJECT, TOTAL)

Counted = dict[tuple[str, str], int]
"""Pieces by the counters that there were, as `joined`, and by kind."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was made (ISO 22400: `total` is PQ, `good` is GQ). None is negative."""

    good: int
    reject: int
    total: int


def pieces(counted: Mapping[str, int]) -> Pieces:
    """Return all three from what was counted, by kind; a kind without a counter is absent.

    A counter is believed before a difference of two others; a difference below zero (counters at two
    places of a machine, with pieces between them) is zero.
    """
    good, reject, total = counted.get(GOOD), counted.get(REJECT), counted.get(TOTAL)
    if good is None:
        rejected = reject or 0
        whole = rejected if total is None else total
        return Pieces(max(0, whole - rejected), rejected, whole)
    if reject is None:
        reject = 0 if total is None else max(0, total - good)
    return Pieces(good, reject, good + reject if total is None else total)


def joined(kinds: Collection[str]) -> str:
    """Return kinds as they are written with what was counted, such as `good total`."""
    return " ".join(kind for kind in KINDS if kind in kinds)


def together(counted: Counted) -> Pieces:
    """Return the pieces of a time in which an equipment may have had one set of counters and then another.

    What each set has counted is read by that set: a counter of it that did not move is a zero, no absence.
    Nothing of a kind without a counter is an absence, and no zero.
    """
    by_set: dict[str, dict[str, int]] = {}
    for (counters, kind), quantity in counted.items():
        own = by_set.setdefault(counters, dict.fromkeys(counters.split(), 0))
        if quantity:
            own[kind] = own.get(kind, 0) + quantity
    made = [pieces(own) for own in by_set.values()]
    return Pieces(
        sum(each.good for each in made),
        sum(each.reject for each in made),
        sum(each.total for each in made),
    )
