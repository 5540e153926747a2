"""Who is on call at a moment, by the wall clock of the site (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from production.shifts import Calendar, Pattern, shift_times


@dataclass(frozen=True, slots=True)
class Turn:
    """A person has a duty whenever the pattern says."""

    person_id: int
    pattern: Pattern


def on_call(turns: Iterable[Turn], zone: ZoneInfo, at: datetime) -> list[int]:
    """Return the persons whose turn it is, each once, in the order of the roster.

    Turns are wall clocks. One of an hour that the clock leaves out does not happen: the next has begun
    then. Of one that the clock brings twice both hours are its own.
    """
    instant = timedelta(microseconds=1)
    found = [
        turn.person_id
        for turn in turns
        if shift_times(Calendar(zone, (turn.pattern,)), at, at + instant)
    ]
    return list(dict.fromkeys(found))
