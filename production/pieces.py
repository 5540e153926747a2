"""Good, reject and total pieces from whichever of the three are counted (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

GOOD, REJECT, TOTAL = "good", "reject", "total"


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
