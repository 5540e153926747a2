"""Stretches of time in a state: clip, merge, measure; all half open, in exact microseconds (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stretch(Generic[T]):
    """`what` holds in [started_at, ended_at). Never empty when it comes from here."""

    what: T
    started_at: datetime
    ended_at: datetime

    @property
    def length(self) -> timedelta:
        return self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class Mark(Generic[T]):
    """From `at` on, `what` holds, until the next mark."""

    what: T
    at: datetime


BY_START = attrgetter("started_at")
"""What stretches are put in order by; it is asked very often, hence not in Python."""
_at = attrgetter("at")


def clip(
    stretches: Iterable[Stretch[T]], start: datetime, end: datetime
) -> Iterator[Stretch[T]]:
    """Yield the parts that lie in [start, end)."""
    for stretch in stretches:
        since, until = stretch.started_at, stretch.ended_at
        if start <= since < until <= end:
            yield stretch
            continue
        since, until = max(since, start), min(until, end)
        if since < until:
            yield Stretch(stretch.what, since, until)


def merge(stretches: Iterable[Stretch[T]]) -> list[Stretch[T]]:
    """Return them in order of time, those that touch and are the same as one. They must not overlap."""
    merged: list[Stretch[T]] = []
    for stretch in sorted(stretches, key=BY_START):
        last = merged[-1] if merged else None
        if last and last.what == stretch.what and last.ended_at == stretch.started_at:
            merged[-1] = Stretch(last.what, last.started_at, stretch.ended_at)
        else:
            merged.append(stretch)
    return merged


def measure(stretches: Iterable[Stretch[T]]) -> dict[T, timedelta]:
    """Return how long each lasted in all."""
    lengths: dict[T, timedelta] = defaultdict(timedelta)
    for stretch in stretches:
        lengths[stretch.what] += stretch.length
    return dict(lengths)


def without(whole: Stretch[T], holes: Iterable[Stretch[T]]) -> list[Stretch[T]]:
    """Return what is left of a stretch when the holes, which must not overlap, are taken out of it."""
    left: list[Stretch[T]] = []
    at = whole.started_at
    for hole in sorted(clip(holes, whole.started_at, whole.ended_at), key=BY_START):
        if at < hole.started_at:
            left.append(Stretch(whole.what, at, hole.started_at))
        at = hole.ended_at
    if at < whole.ended_at:
        left.append(Stretch(whole.what, at, whole.ended_at))
    return left


def between(marks: Iterable[Mark[T]], end: datetime) -> list[Stretch[T]]:
    """Return what held from mark to mark, the last one until `end`; of marks at one moment the last wins."""
    ordered = sorted((mark for mark in marks if mark.at < end), key=_at)
    held: list[Mark[T]] = []
    for number, mark in enumerate(ordered, 1):
        if number < len(ordered) and ordered[number].at == mark.at:
            continue
        if not held or held[-1].what != mark.what:
            held.append(mark)
    ends = [mark.at for mark in held[1:]] + [end]
    return [Stretch(mark.what, mark.at, ended) for mark, ended in zip(held, ends, strict=False)]
