"""What quality thresholds look at: where their windows begin, and the pieces and checks in them."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from production import layers
from production.choices import Metric, WindowKind
from production.layers import FIRST, Wanted, moment
from production.models import Equipment, QualityThreshold
from production.pieces import Counted, Pieces, together
from production.quarters import whole

FARTHEST_BACK = timedelta(days=7)
"""How far the last so many items may reach: what is older says nothing about today."""

_REACHES = (*(timedelta(minutes=15) * 4**step for step in range(4)), FARTHEST_BACK)
"""How far back the last so many items are sought, farther each time."""

_SHORTEST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Look:
    """A threshold's window (started_at, to], what was counted and checked in it, and how often its defect."""

    threshold: QualityThreshold
    equipment: Equipment | None
    started_at: datetime
    to: datetime
    made: Pieces
    checked: int
    failed: int
    of_defect: int


def looks(thresholds: Sequence[QualityThreshold], now: datetime) -> list[Look]:
    """Return what each threshold looks at as of `now`, in order, in a number of queries that does not grow.

    A line's pieces are those that its constraint counts.
    """
    all_ = _All.of(thresholds, now)
    starts = all_.starts()
    made = all_.made_since(starts)
    checked, failed = all_.checked_since(starts)
    of_defect = all_.of_defects_since(starts)
    return [
        Look(
            threshold,
            all_.equipment[number],
            starts[number],
            now,
            made[number],
            checked[number],
            failed[number],
            of_defect[number],
        )
        for number, threshold in enumerate(thresholds)
    ]


@dataclass(frozen=True, slots=True)
class _All:
    """All thresholds by number, with the equipment whose pieces each looks at."""

    thresholds: Sequence[QualityThreshold]
    now: datetime
    equipment: Sequence[Equipment | None]

    @classmethod
    def of(cls, thresholds: Sequence[QualityThreshold], now: datetime) -> "_All":
        lines = {each.line_id for each in thresholds if each.equipment_id is None}
        constraints = {
            row.line_id: row
            for row in Equipment.objects.filter(line__in=lines, is_constraint=True)
        }
        equipment = [each.equipment or constraints.get(each.line_id) for each in thresholds]
        return cls(thresholds, now, equipment)

    def starts(self) -> list[datetime]:
        """Return where each window begins: it is half open, and what happened at its start is before it."""
        found: dict[int, datetime] = {}
        for number, each in enumerate(self.thresholds):
            if each.window_kind == WindowKind.TIME:
                found[number] = self.now - timedelta(minutes=each.window_size)
        seeking = {
            number: _Seeking(each.window_size, self.now)
            for number, each in enumerate(self.thresholds)
            if number not in found
        }
        until = self.now
        for reach in _REACHES:
            since = self.now - reach
            open_ = [number for number, each in seeking.items() if not each.is_done]
            if not open_:
                break
            counts, checks = self._newest_first(open_, since, until)
            for number in open_:
                seeking[number].go_on(counts[number], checks[number])
            until = since
        found |= {number: each.oldest - _SHORTEST for number, each in seeking.items()}
        return [found[number] for number in range(len(self.thresholds))]

    def made_since(self, starts: Sequence[datetime]) -> list[Pieces]:
        """Return the pieces since; those of whole quarters of an hour come from the tallies."""
        parts: list[Wanted] = []
        quarters: list[Wanted] = []
        for each in self._of_pieces(range(len(starts)), FIRST, self.now):
            start = starts[each.number]
            first, last = whole(start, self.now)
            if first < last:
                quarters.append(Wanted(each.number, each.owner, first, last))
                parts.append(Wanted(each.number, each.owner, start, first))
                parts.append(Wanted(each.number, each.owner, last, self.now))
            else:
                parts.append(Wanted(each.number, each.owner, start, self.now))
        counted: list[Counted] = [defaultdict(int) for _ in starts]
        for rows in (layers.tallies(quarters), layers.counts(parts)):
            for number, kind, counters, product, _, is_measured, quantity in rows:
                if is_measured and self._is_of(number, product):
                    counted[number][counters, kind] += int(quantity)
        return [together(own) for own in counted]

    def checked_since(self, starts: Sequence[datetime]) -> tuple[list[int], list[int]]:
        """Return how many items were looked at first since, and how many of them failed."""
        checked, failed = [0] * len(starts), [0] * len(starts)
        wanted = [
            Wanted(each.number, each.owner, starts[each.number], self.now)
            for each in self._of_checks(range(len(starts)), FIRST, self.now)
        ]
        for number, _, equipment, product, some, bad in layers.checks(wanted):
            if self._is_of_check(number, product, equipment):
                checked[number] += int(some)
                failed[number] += int(bad)
        return checked, failed

    def of_defects_since(self, starts: Sequence[datetime]) -> list[int]:
        """Return how often the defect of each was met, where it watches one."""
        found = [0] * len(starts)
        numbers = [
            number
            for number, each in enumerate(self.thresholds)
            if each.metric == Metric.DEFECT
        ]
        of_pieces = [
            Wanted(each.number, each.owner, starts[each.number], self.now)
            for each in self._of_pieces(numbers, FIRST, self.now)
        ]
        of_checks = [
            Wanted(each.number, each.owner, starts[each.number], self.now)
            for each in self._of_checks(numbers, FIRST, self.now)
        ]
        for number, defect, product, quantity in layers.rejects(of_pieces):
            if defect == self.thresholds[number].defect_id and self._is_of(number, product):
                found[number] += int(quantity)
        for number, defect, equipment, product, quantity in layers.check_defects(of_checks):
            is_own = defect == self.thresholds[number].defect_id
            if is_own and self._is_of_check(number, product, equipment):
                found[number] += int(quantity)
        return found

    def _of_pieces(
        self, numbers: Sequence[int] | range, since: datetime, until: datetime
    ) -> list[Wanted]:
        """Return the windows of those whose metric is of pieces, and that have an equipment."""
        found = []
        for number in numbers:
            own = self.equipment[number]
            if own is not None and self.thresholds[number].metric != Metric.FIRST_PASS_YIELD:
                found.append(Wanted(number, own.pk, since, until))
        return found

    def _of_checks(
        self, numbers: Sequence[int] | range, since: datetime, until: datetime
    ) -> list[Wanted]:
        """Return the windows of those whose metric is of checks."""
        return [
            Wanted(number, self.thresholds[number].line_id, since, until)
            for number in numbers
            if self.thresholds[number].metric != Metric.REJECT_RATE
        ]

    def _newest_first(
        self, numbers: Sequence[int], since: datetime, until: datetime
    ) -> tuple[Mapping[int, list["_Seen"]], Mapping[int, list["_Seen"]]]:
        """Return what was counted and what was checked in (since, until], by number."""
        counts: dict[int, list[_Seen]] = defaultdict(list)
        for number, at, kind, counters, product, quantity in layers.increments(
            self._of_pieces(numbers, since, until)
        ):
            if self._is_of(number, product):
                counts[number].append((moment(at), (counters, kind), int(quantity)))
        checks: dict[int, list[_Seen]] = defaultdict(list)
        for number, at, equipment, product, some, _ in layers.checks(
            self._of_checks(numbers, since, until)
        ):
            if self._is_of_check(number, product, equipment):
                checks[number].append((moment(at), None, int(some)))
        return counts, checks

    def _is_of(self, number: int, product: int | None) -> bool:
        """Whether a row is of the threshold's product, where it names one."""
        return self.thresholds[number].product_id in {None, product}

    def _is_of_check(self, number: int, product: int | None, equipment: int | None) -> bool:
        """Whether a check is of the threshold's product and of its equipment, where it names them."""
        is_there = self.thresholds[number].equipment_id in {None, equipment}
        return is_there and self._is_of(number, product)


_Seen = tuple[datetime, tuple[str, str] | None, int]
"""When, the counters and the kind of a count or None for a check, and how many."""


@dataclass(slots=True)
class _Seeking:
    """The newest readings and checks that hold so many items, sought backwards."""

    size: int
    oldest: datetime
    counted: Counted = field(default_factory=lambda: defaultdict(int))
    checked: int = 0
    is_done: bool = False

    def go_on(self, counts: Sequence[_Seen], checks: Sequence[_Seen]) -> None:
        """Take rows, newest first, that are older than those before."""
        rows: Iterator[_Seen] = heapq.merge(
            counts, checks, key=lambda row: row[0], reverse=True
        )
        # Rows of one moment are of one reading: without its rejects a reading would look too good.
        for at, of_one in groupby(rows, key=lambda row: row[0]):
            for _, key, quantity in of_one:
                if key is None:
                    self.checked += quantity
                else:
                    self.counted[key] += quantity
            self.oldest = at
            made = together(self.counted).total
            if self.checked + made >= self.size:
                self.is_done = True
                return
