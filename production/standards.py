"""Ideal cycles, and which of them is in force (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Standard:
    """An ideal cycle: seconds for a piece of the product, from a moment until the next one."""

    product: int
    seconds: Decimal
    effective_from: datetime


def in_force(
    standards: Iterable[Standard], product: int | None, at: datetime
) -> Decimal | None:
    """Return the seconds for a piece of the product at `at`; None when nobody said."""
    known = [
        each for each in standards if each.product == product and each.effective_from <= at
    ]
    return max(known, key=lambda each: each.effective_from).seconds if known else None
