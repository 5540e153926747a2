"""Losses ranked: where the time of stops went, how often, and how many pieces it cost (pure)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Generic, TypeVar

from production.timeline import Stretch

K = TypeVar("K", bound=Hashable)
MICROSECOND = timedelta(microseconds=1)
_NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Lost(Generic[K]):
    """A part of a stop that is put down to `key`: how long, whether the stop began in it, at which pace.

    `cycle` is the ideal cycle in force, in microseconds for a piece; None where nobody said.
    """

    key: K
    length: timedelta
    begun: int
    cycle: int | None


@dataclass(frozen=True, slots=True)
class Rank(Generic[K]):
    """What is put down to a key. Shares are of all ranked together, None where that is nothing.

    `lost_parts` are what the time would ideally have made, exact; None if some of it has no ideal cycle.
    """

    key: K
    length: timedelta
    count: int
    lost_parts: Fraction | None
    share: float | None
    cumulative_share: float | None


def ranked(parts: Iterable[Lost[K]], *, first: K | None = None) -> list[Rank[K]]:
    """Return the keys by their time, longest first; of equal ones the more frequent, then by name.

    `first` comes before all others, however little it is, so that nobody overlooks it.
    """
    paces: dict[K, dict[int | None, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    counts: dict[K, int] = defaultdict(int)
    for part in parts:
        paces[part.key][part.cycle] += part.length
        counts[part.key] += part.begun
    lengths = {key: sum(own.values(), timedelta()) for key, own in paces.items()}
    order = sorted(
        lengths, key=lambda key: (key != first, -lengths[key], -counts[key], str(key))
    )
    whole = sum(lengths.values(), timedelta())
    so_far = accumulate(lengths[key] for key in order)
    return [
        Rank(
            key,
            lengths[key],
            counts[key],
            _pieces(paces[key]),
            lengths[key] / whole if whole else None,
            until / whole if whole else None,
        )
        for key, until in zip(order, so_far, strict=True)
    ]


def _pieces(paces: dict[int | None, timedelta]) -> Fraction | None:
    if any(cycle is None and length for cycle, length in paces.items()):
        return None
    return sum(
        (Fraction(length // MICROSECOND, cycle) for cycle, length in paces.items() if cycle),
        Fraction(0),
    )


class Away:
    """Time that is no stop's: not planned for production, or not known. It answers any window fast."""

    def __init__(self, stretches: Iterable[Stretch[None]]) -> None:
        whole = list(_union(stretches))
        self._starts = [each.started_at for each in whole]
        self._ends = [each.ended_at for each in whole]
        self._before = [timedelta(), *accumulate(each.length for each in whole)]

    def within(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of [start, end) it is; nothing of a window that is none."""
        if start >= end:
            return _NOTHING
        begun = bisect_right(self._starts, start)
        if begun == bisect_right(self._starts, end) and (
            begun == 0 or self._ends[begun - 1] <= start
        ):
            return _NOTHING  # as for most stops: none of it is near
        return self._until(end) - self._until(start)

    def _until(self, moment: datetime) -> timedelta:
        begun = bisect_right(self._starts, moment)
        if begun == 0:
            return timedelta()
        # The last one that began by then may go on past the moment.
        return self._before[begun] - max(self._ends[begun - 1] - moment, timedelta())


def _union(stretches: Iterable[Stretch[None]]) -> Iterator[Stretch[None]]:
    last: Stretch[None] | None = None
    for each in sorted(stretches, key=lambda stretch: stretch.started_at):
        if last is not None and each.started_at <= last.ended_at:
            last = Stretch(None, last.started_at, max(last.ended_at, each.ended_at))
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last


def overlapping(
    ordered: Sequence[Stretch[K]], starts: Sequence[datetime], start: datetime, end: datetime
) -> Iterator[Stretch[K]]:
    """Yield the parts of [start, end) in stretches that do not overlap, in order; `starts` are theirs."""
    for each in ordered[max(0, bisect_right(starts, start) - 1) :]:
        if each.started_at >= end:
            return
        began, ended = max(start, each.started_at), min(end, each.ended_at)
        if began < ended:
            yield Stretch(each.what, began, ended)
