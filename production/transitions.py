"""What a reading does to the state of an equipment, a gap before it included (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

NO_DATA = "no_data"
INSTANT = timedelta(microseconds=1)
"""The shortest stay there is: of a state that a single reading told."""
SET_BACK = timedelta(seconds=60)
"""How far a reading may lie after the present before it is the clock that is not believed."""


@dataclass(frozen=True, slots=True)
class Present:
    """The state an equipment is in, and the source time of the last good reading that told it.

    `read_at` is None before any data; then the state is `no_data`. `since` is when the state began.
    """

    state: str
    read_at: datetime | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """From `at` on the equipment is in `state`."""

    state: str
    at: datetime


def is_silent(present: Present, at: datetime, no_data_after: timedelta) -> bool:
    """Whether the state, by `at`, was last told so long ago that it is not known any more."""
    if present.read_at is None or present.state == NO_DATA:
        return False
    return at - present.read_at > no_data_after


def gap(present: Present, at: datetime, no_data_after: timedelta) -> Move | None:
    """Return the move into `no_data` if the state was not told for too long before `at`.

    It lies at the last reading that told it: time nobody measured is neither running nor stopped.
    """
    if present.read_at is None or not is_silent(present, at, no_data_after):
        return None
    return lost(present, present.read_at)


def lost(present: Present, read_at: datetime) -> Move:
    """Return the move into `no_data` at the last reading that told the state.

    A state that a single reading told was so for an instant: stops that it parts stay two.
    """
    began = present.since
    return Move(NO_DATA, read_at if began is None else max(read_at, began + INSTANT))


def is_ahead(read_at: datetime | None, now: datetime) -> bool:
    """Whether the last reading lies so far after `now` that our clock must have been set back."""
    return read_at is not None and read_at - now > SET_BACK


def change(state: str, told: str | None, at: datetime, *, has_begun: bool) -> Move | None:
    """Return the move that a good reading at `at` makes, after a gap has been dealt with.

    `told` is the state it tells. None leaves the state as it is: the reading says that the equipment can
    be read, not what it does; out of `no_data` only a told state leads. The first reading of all begins
    the timeline, in `no_data` if it tells no state, so that no hole follows.
    """
    if not has_begun:
        return Move(told or NO_DATA, at)
    return Move(told, at) if told is not None and told != state else None
