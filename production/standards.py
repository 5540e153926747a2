"""What measured time allowed at the ideal cycles in force (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from production.timeline import Mark, Stretch, between, clip


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


def allowed(
    measured: Sequence[Stretch[str]],
    products: Iterable[Stretch[int | None]],
    standards: Sequence[Standard],
) -> tuple[Decimal, set[int | None]]:
    """Return the pieces that the measured time allowed, and the products whose time has no standard.

    A stretch of a product is cut where another standard takes effect. With any product in the second
    value the first one says nothing about the whole.
    """
    pieces, without = Decimal(0), set[int | None]()
    for made in products:
        own = [each for each in standards if each.product == made.what]
        marks = [Mark(in_force(own, made.what, made.started_at), made.started_at)] + [
            Mark(each.seconds, each.effective_from)
            for each in own
            if made.started_at < each.effective_from < made.ended_at
        ]
        for held in between(marks, made.ended_at):
            parts = clip(measured, held.started_at, held.ended_at)
            length = sum((part.length for part in parts), timedelta())
            if not length:
                continue
            if held.what is None:
                without.add(made.what)
            else:
                pieces += _seconds(length) / held.what
    return pieces, without


def _seconds(length: timedelta) -> Decimal:
    """Return exact seconds; a float of them would not be."""
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000
