"""Losses ranked: where the time of stops went, how often, and how many pieces it cost (pure)."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Lost(Generic[K]):
    """Time that is put down to `key`: how long, how many stops began in it, at which pace.

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
