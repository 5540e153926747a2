"""Stops: successive states in which an equipment does not run are one, until it runs again (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from production.timeline import BY_START, Stretch

RUNNING, NO_DATA = "running", "no_data"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop in [started_at, ended_at). `known` is how long of it was measured: time without data is no stop's.

    `lasts` is true if it had not ended when the states ended.
    """

    started_at: datetime
    ended_at: datetime
    known: timedelta
    lasts: bool = False

    def is_small(self, stop_after: timedelta) -> bool:
        """Whether it is a micro-stop: at most as long as the threshold, as a whole."""
        return self.known <= stop_after


def stops(states: Iterable[Stretch[str]]) -> list[Stop]:
    """Return the stops in order of time; `states` do not overlap, and holes are time without data.

    Time without data between two halves of a stop does not end it, since nobody saw it run; a stop that data
    ran out on ends with the last state that was known.
    """
    found: list[Stop] = []
    begun: Stretch[str] | None = None
    known, until = timedelta(), None
    for each in sorted(states, key=BY_START):
        if each.what == NO_DATA:
            continue
        if each.what == RUNNING:
            if begun is not None and until is not None:
                found.append(Stop(begun.started_at, until, known))
            begun, known, until = None, timedelta(), None
        else:
            begun = begun or each
            known += each.length
            until = each.ended_at
    if begun is not None and until is not None:
        found.append(Stop(begun.started_at, until, known, lasts=True))
    return found


def of(found: Sequence[Stop], at: datetime) -> Stop | None:
    """Return the stop that `at` lies in."""
    return next((stop for stop in found if stop.started_at <= at < stop.ended_at), None)
