"""The past of the bakery, hour by hour: what was seen, what people did, what the processors found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ms5.accounts.models import User
from production import processors, shifts
from production.actions import observe
from production.calendars import calendar_of
from production.models import Condition, Equipment, Line
from production.settling import settle
from telemetry.history.causes import PROFILES, Profile
from telemetry.history.course import Course, Turn
from telemetry.history.people import People
from telemetry.history.telling import Teller

HOUR = timedelta(hours=1)


class DataIsThere(RuntimeError):
    """Something has been seen of the plant: a past cannot be put before or over it."""


class NoPlant(RuntimeError):
    """The demo plant is not there."""


@dataclass(slots=True)
class _Line:
    """A line whose past is written, as far as it has come."""

    teller: Teller
    people: People
    turns: Iterator[Turn]
    next: Turn | None


def write_history(
    start: datetime, until: datetime, seed: int, say: Callable[[datetime], None]
) -> int:
    """Write all from `start` to `until`, and return how many turns of the lines that were.

    The same for the same times and seed. `say` is told after each day. Memory is that of an hour. Raises
    DataIsThere, and then has written nothing, and NoPlant.
    """
    if Condition.objects.filter(since__isnull=False).exists():
        raise DataIsThere(
            "There are observations already: a history is written before the first of them, or not at all."
        )
    lines = [_line(profile, start, until, seed) for profile in PROFILES]
    written = 0
    at = start
    while at < until:
        at = min(until, at + HOUR)
        for line in lines:
            written += _hour(line, at)
        processors.changeover(at)
        processors.quality(at)
        if at.hour == 0 or at == until:
            while settle(at):
                pass
            say(at)
    return written


def _line(profile: Profile, start: datetime, until: datetime, seed: int) -> _Line:
    line = Line.objects.select_related("area__site").filter(code=profile.line).first()
    crew = {user.username: user for user in User.objects.all()}
    if line is None or not crew.keys() >= {"operator", "supervisor"}:
        raise NoPlant("The demo plant is not there: load it with `manage.py seed_demo`.")
    equipment = dict(Equipment.objects.filter(line=line).values_list("code", "pk"))
    plan = shifts.plan(calendar_of(line), start, until)
    turns = Course(profile, seed, until).turns(plan)
    people = People(profile, line, crew, seed=seed, until=until)
    teller = Teller(profile, equipment)
    first = next(turns, None)
    if first is not None:
        observe(list(teller.first(first)))
    return _Line(teller, people, turns, first)


def _hour(line: _Line, until: datetime) -> int:
    """Write the turns that end by `until`; what begins with another job is written after it."""
    turns: list[Turn] = []
    waiting: list[Turn] = []
    while (turn := line.next) is not None and turn.ended_at <= until:
        if line.people.needs(turn):
            _tell(line, waiting)
            waiting = []
            line.people.begin(turn)
        waiting.append(turn)
        turns.append(turn)
        line.next = next(line.turns, None)
    _tell(line, waiting)
    if turns:
        line.people.after(turns, turns[-1].ended_at)
    return len(turns)


def _tell(line: _Line, turns: list[Turn]) -> None:
    observe([seen for turn in turns for seen in line.teller.tell(turn)])
