"""What was looked at in the window of a quality threshold, and what of it was wrong."""

import heapq
from collections import Counter as Tallied
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q, QuerySet, Sum

from production.choices import CheckKind, CountKind, Metric, WindowKind
from production.models import (
    CheckDefect,
    Count,
    Counter,
    Defect,
    Equipment,
    QualityCheck,
    QualityThreshold,
    Tally,
)
from production.pieces import Pieces, pieces
from production.quarters import whole
from production.querysets import TallyQuerySet

LISTED = 16
"""Reasons that an alert names; the rejects of the others are one number."""

FARTHEST_BACK = timedelta(days=7)
"""How far the last so many items may reach: what is older says nothing about today."""

FIRST_LOOKS = (CheckKind.IN_PROCESS, CheckKind.FINAL)
"""Checks of what the line made: incoming ones are of material, an audit looks at an item again."""

_SHORTEST = timedelta(microseconds=1)


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


@dataclass(frozen=True, slots=True)
class _Looks:
    """The rows that a threshold looks at: counts of one equipment, and checks."""

    threshold: QualityThreshold
    now: datetime
    equipment: Equipment | None
    kinds: frozenset[str]

    @classmethod
    def of(cls, threshold: QualityThreshold, now: datetime) -> "_Looks":
        """A line's pieces are those that its constraint counts."""
        equipment = (
            threshold.equipment or threshold.line.equipment.filter(is_constraint=True).first()
        )
        kinds = Counter.objects.filter(equipment=equipment).values_list("kind", flat=True)
        return cls(threshold, now, equipment, frozenset(kinds))

    @property
    def counts(self) -> "QuerySet[Count]":
        """Measured increments, if the metric is of pieces."""
        if self.threshold.metric == Metric.FIRST_PASS_YIELD or self.equipment is None:
            return Count.objects.none()
        rows: QuerySet[Count] = Count.objects.filter(
            equipment=self.equipment, measured=True, quantity__gt=0, at__lte=self.now
        )
        if self.threshold.product_id is not None:
            rows = rows.filter(product=self.threshold.product_id)
        return rows

    @property
    def tallies(self) -> TallyQuerySet:
        """The same, added up by quarter of an hour."""
        if self.threshold.metric == Metric.FIRST_PASS_YIELD or self.equipment is None:
            return Tally.objects.none()
        rows = Tally.objects.filter(equipment=self.equipment, measured=True)
        if self.threshold.product_id is not None:
            rows = rows.filter(product=self.threshold.product_id)
        return rows

    @property
    def checks(self) -> "QuerySet[QualityCheck]":
        """Checks at which items were looked at first, if the metric is of checks."""
        if self.threshold.metric == Metric.REJECT_RATE:
            return QualityCheck.objects.none()
        rows = QualityCheck.objects.filter(
            line=self.threshold.line_id, kind__in=FIRST_LOOKS, at__lte=self.now
        )
        if self.threshold.equipment_id is not None:
            rows = rows.filter(equipment=self.threshold.equipment_id)
        if self.threshold.product_id is not None:
            rows = rows.filter(product=self.threshold.product_id)
        return rows

    def start(self) -> datetime:
        """Return where the window begins: it is half open, and what happened at its start is before it."""
        size = self.threshold.window_size
        if self.threshold.window_kind == WindowKind.TIME:
            return self.now - timedelta(minutes=size)
        oldest = self.now
        counted: dict[str, int] = defaultdict(int)
        checked = 0
        # Rows of one moment are of one reading: without its rejects a reading would look too good.
        for at, rows in groupby(self._newest_first(), key=lambda row: row[0]):
            for _, kind, quantity in rows:
                if kind is None:
                    checked += quantity
                else:
                    counted[kind] += quantity
            oldest = at
            if checked + self.made(counted).total >= size:
                break
        return oldest - _SHORTEST

    def made(self, counted: dict[str, int]) -> Pieces:
        """Return the pieces; a kind that has a counter and did not move is a zero, not an absence."""
        return pieces({kind: counted.get(kind, 0) for kind in self.kinds | counted.keys()})

    def _newest_first(self) -> Iterator[tuple[datetime, str | None, int]]:
        farthest = self.now - FARTHEST_BACK
        counts = self.counts.filter(at__gt=farthest).order_by("-at")
        checks = self.checks.filter(at__gt=farthest).order_by("-at")
        rows: Iterator[tuple[datetime, str | None, int]] = (
            (at, kind, quantity)
            for at, kind, quantity in counts.values_list("at", "kind", "quantity").iterator()
        )
        looks: Iterator[tuple[datetime, str | None, int]] = (
            (at, None, checked)
            for at, checked in checks.values_list("at", "checked").iterator()
        )
        return heapq.merge(rows, looks, key=lambda row: row[0], reverse=True)


def figure(threshold: QualityThreshold, now: datetime, *, needs_reasons: bool = True) -> Figure:
    """Return the threshold's figure as of `now`; without a value where fewer than its least items were seen.

    The reject rate is of the measured pieces of the equipment, else of the line's constraint; the first-pass
    yield of the items checked; the share of a defect of both together: pieces counted and items checked.
    Without need of reasons a rate reads no rejects one by one, and names none.
    """
    looks = _Looks.of(threshold, now)
    start = looks.start()
    made = _pieces(looks, start)
    checks = looks.checks.filter(at__gt=start)
    sums = checks.aggregate(checked=Sum("checked", default=0), failed=Sum("failed", default=0))
    wrong: Tallied[int | None] = Tallied()
    if needs_reasons or threshold.metric == Metric.DEFECT:
        wrong = _rejected(looks, start, made) + _found(checks, sums["failed"])
    items = made.total + sums["checked"]
    reasons, others = _most_frequent(wrong)
    bad = {
        Metric.REJECT_RATE: made.reject,
        Metric.FIRST_PASS_YIELD: items - sums["failed"],
        Metric.DEFECT: wrong[threshold.defect_id],
    }[Metric(threshold.metric)]
    why = _why(looks, items)
    return Figure(
        value=None if why else bad / items,
        why=why,
        items=items,
        started_at=start,
        to=now,
        reasons=reasons,
        others=others,
    )


def _why(looks: _Looks, items: int) -> str:
    """Return why there is no figure; empty if there is one."""
    threshold = looks.threshold
    if threshold.metric == Metric.REJECT_RATE and looks.equipment is None:
        return "no equipment is the constraint of this line"
    if items < max(1, threshold.least_items):
        return f"fewer than {max(1, threshold.least_items)} items in the window"
    return ""


def _pieces(looks: _Looks, start: datetime) -> Pieces:
    """Return the pieces of the window; those of whole quarters of an hour come from the tallies."""
    first, last = whole(start, looks.now)
    parts = [(start, looks.now)]
    counted: dict[str, int] = defaultdict(int)
    if first < last:
        parts = [(start, first), (last, looks.now)]
        for kind, quantity in _by_kind(looks.tallies.within(first, last)):
            counted[kind] += quantity
    for began, ended in parts:
        for kind, quantity in _by_kind(looks.counts.filter(at__gt=began, at__lte=ended)):
            counted[kind] += quantity
    return looks.made(counted)


def _by_kind(rows: "QuerySet[Any]") -> list[tuple[str, int]]:
    return list(rows.order_by().values_list("kind").annotate(Sum("quantity")))


def _rejected(looks: _Looks, start: datetime, made: Pieces) -> "Tallied[int | None]":
    """Return the rejects by defect; those that only a difference of counters tells are of no known one."""
    # Where counters tell rejects by their difference, those that people enter are rows of the total.
    is_wrong = Q(kind=CountKind.REJECT) | Q(kind=CountKind.TOTAL, defect__isnull=False)
    rows = looks.counts.filter(is_wrong, at__gt=start).order_by()
    wrong = Tallied(dict(rows.values_list("defect").annotate(Sum("quantity"))))
    wrong[None] += max(0, made.reject - wrong.total())
    return wrong


def _found(checks: "QuerySet[QualityCheck]", failed: int) -> "Tallied[int | None]":
    """Return the items of checks by defect; an item may have several, and failed ones none that was said."""
    rows = CheckDefect.objects.filter(check_row__in=checks).order_by()
    found: Tallied[int | None] = Tallied(
        dict(rows.values_list("defect").annotate(Sum("quantity")))
    )
    found[None] += max(0, failed - found.total())
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
