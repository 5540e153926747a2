"""Andon calls as words and figures ready to print: the board's columns, the rail, a line's five buttons (pure).

static/js/calls.js is its twin; tests/contract/drawing/calls.json holds both to the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ms5.events.facts import AndonCall, Escalation
from realtime.formats import duration

WORDS = {
    "stop": "STOP",
    "quality": "QUALITY",
    "maintenance": "MAINTENANCE",
    "material": "MATERIAL",
    "safety": "SAFETY",
}
"""The word of each category; its shape is the style sheet's, by `data-category`."""

STANDING = {"open": "WAITING", "acknowledged": "COMING", "arrived": "THERE"}
"""The word of each status that is not over, which is the column of the board as well."""

_WORST_FIRST = ("critical", "high", "medium", "low")
_CLIMBING = ("level", "reminder")
_REACHED, _AHEAD = "\u25cf", "\u25cb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line with its open subjects, and the names of its equipment by code."""

    code: str
    name: str
    names: Mapping[str, str]
    subjects: Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call. Empty text: nothing is known and nothing is shown."""

    id: int
    line: str
    line_name: str
    where: str
    category: str
    category_word: str
    priority: str
    priority_word: str
    status: str
    status_word: str
    said: str
    timer: str
    """Since it was raised."""
    who: str
    times: str
    """How often it was raised, when more than once."""
    pips: str
    """A disc for each level of its policy, filled as far as it has climbed."""
    climbed: str
    """The same in words."""
    next: str
    """What comes if nobody does anything, counted down."""
    overdue: bool
    """Whether nobody answered, or nobody resolved it, in the time its policy allows."""
    told: str
    note: str
    """That it rests on the shelf, or that what raised it is over by itself."""
    resting: bool
    """Whether nobody is told of it: it is shelved, or over by itself and only to be seen."""
    again: bool
    """Whether it was answered, not resolved in time, and climbs again until somebody answers anew."""
    raised_by_id: int | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The columns of the board, the worst first and of those the oldest; the rail, the oldest first."""

    waiting: tuple[CallRow, ...]
    coming: tuple[CallRow, ...]
    there: tuple[CallRow, ...]
    rail: tuple[CallRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One of the five buttons of a line; with a call of its category it is that call, the oldest of them."""

    category: str
    category_word: str
    call: CallRow | None
    more: str
    """How many other calls of the category are open on the line."""


def draw_calls(places: Sequence[Place], now: datetime) -> Calls:
    """Return the open calls of these lines as of `now`."""
    found = [pair for place in places for pair in _rows(place, now)]
    by_age = sorted(found, key=lambda pair: (pair[0].raised_at, pair[0].id))
    rail = tuple(row for _, row in by_age)
    worst = sorted(rail, key=lambda row: _WORST_FIRST.index(row.priority))
    return Calls(
        waiting=tuple(row for row in worst if row.status == "open"),
        coming=tuple(row for row in worst if row.status == "acknowledged"),
        there=tuple(row for row in worst if row.status == "arrived"),
        rail=rail,
    )


def draw_slots(rail: Sequence[CallRow]) -> tuple[Slot, ...]:
    """Return the five buttons of a line, from its open calls with the oldest first."""
    return tuple(_slot(category, rail) for category in WORDS)


def _slot(category: str, rail: Sequence[CallRow]) -> Slot:
    calls = [row for row in rail if row.category == category]
    others = len(calls) - 1
    return Slot(
        category=category,
        category_word=WORDS[category],
        call=calls[0] if calls else None,
        more=f"and {others} more" if others > 0 else "",
    )


def _rows(place: Place, now: datetime) -> list[tuple[AndonCall, CallRow]]:
    climbs = {data.andon_id: data for data in place.subjects if isinstance(data, Escalation)}
    calls = [data for data in place.subjects if isinstance(data, AndonCall)]
    return [(call, _row(place, call, climbs.get(call.id), now)) for call in calls]


def _row(place: Place, call: AndonCall, climb: Escalation | None, now: datetime) -> CallRow:
    code = call.equipment_code
    due_at = call.acknowledge_due_at if call.status == "open" else call.resolve_due_at
    return CallRow(
        id=call.id,
        line=place.code,
        line_name=place.name,
        where=place.names.get(code, code) if code else "whole line",
        category=call.category,
        category_word=WORDS[call.category],
        priority=call.priority,
        priority_word=call.priority.upper(),
        status=call.status,
        status_word=STANDING.get(call.status, call.status.upper()),
        said=call.description,
        timer=_between(call.raised_at, now),
        who=_who(call, now),
        times=f"\u00d7{call.occurrences}" if call.occurrences > 1 else "",
        pips=_REACHED * climb.level + _AHEAD * max(0, climb.levels - climb.level)
        if climb
        else "",
        climbed=f"level {climb.level} of {climb.levels}" if climb else "",
        next=_next(call, climb, due_at, now),
        overdue=due_at is not None and due_at < now,
        told=f"told: {', '.join(climb.recipients)}" if climb and climb.recipients else "",
        note=_note(call, now),
        resting=call.shelved_until is not None or call.normal_at is not None,
        again=call.status != "open" and climb is not None and climb.next in _CLIMBING,
        raised_by_id=call.raised_by_id,
        version=call.version,
    )


def _between(earlier: datetime, later: datetime) -> str:
    return duration((later - earlier).total_seconds())


def _who(call: AndonCall, now: datetime) -> str:
    if call.status == "arrived" and call.arrived_at:
        return f"{call.arrived_by or 'somebody'} is there, {_between(call.arrived_at, now)}"
    if call.status == "acknowledged" and call.acknowledged_at:
        since = _between(call.acknowledged_at, now)
        return f"{call.acknowledged_by or 'somebody'} is coming, {since}"
    if call.rule is not None:
        return f"raised by the rule {call.rule}"
    return f"raised by {call.raised_by}" if call.raised_by else ""


def _note(call: AndonCall, now: datetime) -> str:
    if call.shelved_until is not None:
        return (
            f"shelved by {call.shelved_by or 'somebody'}, ends {_in(call.shelved_until, now)}"
        )
    return f"back to normal, {_between(call.normal_at, now)}" if call.normal_at else ""


def _next(
    call: AndonCall, climb: Escalation | None, due_at: datetime | None, now: datetime
) -> str:
    """Return the countdown to the next step of the escalation, or to the policy's own limit."""
    if climb and climb.next and climb.next_due_at:
        return f"{_step(climb)} {_in(climb.next_due_at, now)}"
    if due_at is None:
        return ""
    wanted = "answer" if call.status == "open" else "resolve"
    return f"{wanted} {_in(due_at, now)}"


def _step(climb: Escalation) -> str:
    match climb.next:
        case "level":
            return f"level {climb.level + 1}"
        case "resolve_due":
            return "resolve"
        case "shelf_end":
            return "shelf ends"
        case _:
            return "reminder"


def _in(at: datetime, now: datetime) -> str:
    return f"in {_between(now, at)}" if at > now else f"due {_between(at, now)} ago"
