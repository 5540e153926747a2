"""The figure of a quality threshold: a share of what was looked at in its window, and why it was wrong."""

from collections import Counter as Tallied
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from production import layers
from production.choices import Metric
from production.layers import Wanted
from production.looks import Look, looks
from production.models import Defect, QualityThreshold

LISTED = 16
"""Reasons that an alert names; the rejects of the others are one number."""


@dataclass(frozen=True, slots=True)
class Reason:
    """How many were rejected for a defect; None: nobody has said."""

    code: str | None
    name: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A share over `items` looked at in (started_at, to]; without one, `why`."""

    value: float | None
    why: str
    items: int
    started_at: datetime
    to: datetime
    reasons: list[Reason] = field(default_factory=list)
    others: int = 0


def values(thresholds: Sequence[QualityThreshold], now: datetime) -> list[float | None]:
    """Return the figure of each alone, in order, in a number of queries that does not grow."""
    return [_value(look) for look in looks(thresholds, now)]


def figure(threshold: QualityThreshold, now: datetime) -> Figure:
    """Return the threshold's figure as of `now`; without a value where fewer than its least items were seen.

    The reject rate is of the measured pieces of the equipment, else of the line's constraint; the first-pass
    yield of the items checked; the share of a defect of both together: pieces counted and items checked.
    """
    (look,) = looks([threshold], now)
    wrong = _rejected(look) + _found(look)
    reasons, others = _most_frequent(wrong)
    return Figure(
        value=_value(look),
        why=_why(look),
        items=_items(look),
        started_at=look.started_at,
        to=now,
        reasons=reasons,
        others=others,
    )


def _items(look: Look) -> int:
    return look.made.total + look.checked


def _value(look: Look) -> float | None:
    if _why(look):
        return None
    items = _items(look)
    bad = {
        Metric.REJECT_RATE: look.made.reject,
        Metric.FIRST_PASS_YIELD: items - look.failed,
        Metric.DEFECT: look.of_defect,
    }[Metric(look.threshold.metric)]
    return bad / items


def _why(look: Look) -> str:
    """Return why there is no figure; empty if there is one."""
    threshold = look.threshold
    if threshold.metric == Metric.REJECT_RATE and look.equipment is None:
        return "no equipment is the constraint of this line"
    if _items(look) < max(1, threshold.least_items):
        return f"fewer than {max(1, threshold.least_items)} items in the window"
    return ""


def _rejected(look: Look) -> "Tallied[int | None]":
    """Return the rejects by defect; those that only a difference of counters tells are of no known one."""
    threshold = look.threshold
    wrong: Tallied[int | None] = Tallied()
    if threshold.metric != Metric.FIRST_PASS_YIELD and look.equipment is not None:
        window = Wanted(0, look.equipment.pk, look.started_at, look.to)
        for _, defect, product, quantity in layers.rejects([window]):
            if threshold.product_id in {None, product}:
                wrong[defect] += int(quantity)
    wrong[None] += max(0, look.made.reject - wrong.total())
    return wrong


def _found(look: Look) -> "Tallied[int | None]":
    """Return the items of checks by defect; an item may have several, and failed ones none that was said."""
    threshold = look.threshold
    found: Tallied[int | None] = Tallied()
    if threshold.metric != Metric.REJECT_RATE:
        window = Wanted(0, threshold.line_id, look.started_at, look.to)
        for _, defect, equipment, product, quantity in layers.check_defects([window]):
            is_there = threshold.equipment_id in {None, equipment}
            if is_there and threshold.product_id in {None, product}:
                found[defect] += int(quantity)
    found[None] += max(0, look.failed - found.total())
    return found


def _most_frequent(wrong: "Tallied[int | None]") -> tuple[list[Reason], int]:
    """Return the reasons by how often they were met, the first first, and the rejects of the rest."""
    defects = Defect.objects.in_bulk([pk for pk in wrong if pk is not None])
    known = [_reason(pk, count, defects) for pk, count in wrong.items() if count]
    known.sort(key=lambda reason: (-reason.count, reason.code or ""))
    return known[:LISTED], _total(known[LISTED:])


def _reason(pk: int | None, count: int, defects: dict[int, Defect]) -> Reason:
    defect = defects[pk] if pk is not None else None
    return Reason(defect.code if defect else None, defect.name if defect else None, count)


def _total(reasons: Iterable[Reason]) -> int:
    return sum(reason.count for reason in reasons)
