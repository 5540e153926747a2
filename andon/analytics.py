"""Calls of some lines and a time, as the arithmetic of `andon.response` takes them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from andon.choices import Category, Priority
from andon.models import AndonCall
from andon.response import (
    Answering,
    Course,
    Flood,
    Offender,
    answering,
    floods,
    grouped,
    offenders,
)
from production.models import Line

BYS = ("line", "category", "priority", "shift")
"""What the calls can be told apart by."""

NO_SHIFT = "outside shifts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some of the calls, by the word they share, and how they were answered."""

    key: str
    name: str
    answering: Answering


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """How the calls raised in a time were answered."""

    whole: Answering
    groups: list[Group]
    floods: list[Flood]
    offenders: list[Offender]


def courses(lines: Collection[Line], start: datetime, end: datetime) -> list[Course]:
    """Return the calls of the lines that were raised in the half-open time, oldest first; one query."""
    rows = AndonCall.objects.filter(line__in=lines, raised_at__gte=start, raised_at__lt=end)
    return [
        Course(
            line=call.line.code,
            line_name=call.line.name,
            equipment=call.equipment.code if call.equipment else None,
            category=call.category,
            priority=call.priority,
            shift=call.shift,
            occurrences=call.occurrences,
            raised_at=call.raised_at,
            acknowledged_at=call.acknowledged_at,
            arrived_at=call.arrived_at,
            resolved_at=call.resolved_at,
            ended_at=call.ended_at,
        )
        for call in rows.select_related("line", "equipment").order_by("raised_at", "pk")
    ]


def analysis(
    lines: Collection[Line], start: datetime, end: datetime, now: datetime, by: str = "category"
) -> Analysis:
    """Return how the calls of the lines were answered, told apart by one of BYS.

    A flood is one of these lines together, as on their board. Raises ValueError for another `by`.
    """
    if by not in BYS:
        raise ValueError(by)
    found = courses(lines, start, end)
    return Analysis(
        whole=answering(found),
        groups=list(_groups(found, by)),
        floods=floods(course.raised_at for course in found),
        offenders=offenders(found, now),
    )


def _groups(found: Iterable[Course], by: str) -> Iterable[Group]:
    told = grouped(found, lambda course: str(getattr(course, by)))
    names = {
        "category": dict(Category.choices),
        "priority": dict(Priority.choices),
        "line": {course.line: course.line_name for course in found},
        "shift": {"": NO_SHIFT},
    }[by]
    for key, answered in told.items():
        yield Group(key=key, name=str(names.get(key, key)), answering=answered)
