"""How calls were answered: times to each step, floods, and what calls again and again (pure)."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TypeVar

FLOOD_CALLS = 10
FLOOD_WITHIN = timedelta(minutes=10)
"""More than so many calls in so long cannot be answered by the people of a line (EEMUA 191, ISA-18.2)."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one call went; a step not taken is None."""

    line: str
    line_name: str
    equipment: str | None
    category: str
    priority: str
    shift: str
    """The name of the shift in which it was raised; empty: outside of any."""
    occurrences: int
    raised_at: datetime
    acknowledged_at: datetime | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How long a step took, over the calls in which it was taken; seconds since the call was raised.

    `never` are the calls that ended without it, `pending` those that may still see it. The 90th percentile is
    the nearest rank: a time that was measured, and within which nine in ten were.
    """

    taken: int
    never: int
    pending: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The three steps of some calls."""

    calls: int
    acknowledge: Step
    arrive: Step
    resolve: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A stretch of time, first and last call, in which more came than people can answer."""

    started_at: datetime
    ended_at: datetime
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """An equipment, or a whole line, that calls for the same again and again."""

    line: str
    line_name: str
    equipment: str | None
    category: str
    calls: int
    occurrences: int
    open_s: float


def answering(courses: Sequence[Course]) -> Answering:
    """Return how the calls were answered."""
    return Answering(
        calls=len(courses),
        acknowledge=_step(courses, lambda course: course.acknowledged_at),
        arrive=_step(courses, lambda course: course.arrived_at),
        resolve=_step(courses, lambda course: course.resolved_at),
    )


def grouped(courses: Iterable[Course], key: Callable[[Course], K]) -> dict[K, Answering]:
    """Return the same for each group, in the order of their first call."""
    groups: dict[K, list[Course]] = {}
    for course in courses:
        groups.setdefault(key(course), []).append(course)
    return {name: answering(those) for name, those in groups.items()}


def _step(courses: Sequence[Course], at: Callable[[Course], datetime | None]) -> Step:
    times = sorted(
        (taken - course.raised_at) / timedelta(seconds=1)
        for course in courses
        if (taken := at(course)) is not None
    )
    missing = [course for course in courses if at(course) is None]
    never = sum(course.ended_at is not None for course in missing)
    return Step(
        taken=len(times),
        never=never,
        pending=len(missing) - never,
        median_s=median(times) if times else None,
        p90_s=times[math.ceil(0.9 * len(times)) - 1] if times else None,
    )


def floods(
    raised: Iterable[datetime], most: int = FLOOD_CALLS, within: timedelta = FLOOD_WITHIN
) -> list[Flood]:
    """Return the floods among these moments, in order: every stretch in which more than `most` lie `within`.

    The window is half open: the first and the last of a flood may lie no `within` apart. Floods that share a
    call are one.
    """
    times = sorted(raised)
    found: list[tuple[int, int]] = []
    for last in range(most, len(times)):
        first = last - most
        if times[last] - times[first] >= within:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return [
        Flood(started_at=times[first], ended_at=times[last], calls=last - first + 1)
        for first, last in found
    ]


def offenders(courses: Iterable[Course], now: datetime, least: int = 2) -> list[Offender]:
    """Return what called at least so often, the most frequent first; an open call lasts until `now`."""
    groups: dict[tuple[str, str | None, str], list[Course]] = {}
    for course in courses:
        groups.setdefault((course.line, course.equipment, course.category), []).append(course)
    found = [_offender(those, now) for those in groups.values() if len(those) >= least]
    return sorted(
        found,
        key=lambda each: (
            -each.calls,
            -each.open_s,
            each.line,
            each.equipment or "",
            each.category,
        ),
    )


def _offender(courses: Sequence[Course], now: datetime) -> Offender:
    first = courses[0]
    lengths = ((course.ended_at or now) - course.raised_at for course in courses)
    return Offender(
        line=first.line,
        line_name=first.line_name,
        equipment=first.equipment,
        category=first.category,
        calls=len(courses),
        occurrences=sum(course.occurrences for course in courses),
        open_s=sum(max(0.0, length / timedelta(seconds=1)) for length in lengths),
    )
