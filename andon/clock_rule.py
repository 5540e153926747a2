"""What time it is when the clock may be set back, or forward (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

NOTABLE = timedelta(seconds=5)
"""How far a clock may be off before it is said."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The engine's time, and what the database's clock has done, where that is worth saying."""

    at: datetime
    note: str = ""


def reckon(
    database: datetime, high: datetime | None, last: datetime | None, elapsed: timedelta
) -> Reading:
    """Return the greatest of the database's time, the high-water mark, and the last time and what passed since.

    A clock that is set forward is believed: what is due fires, since a doubled call is better than a silent
    one. One that is set back delays nothing, neither in this process nor in one that begins after it.
    """
    expected = max((known for known in (high, last and last + elapsed) if known), default=None)
    if expected is None:
        return Reading(database)
    off = database - expected
    # The mark may be old, as nothing may have run since; only this process knows how much time has passed.
    is_forward = last is not None and off > NOTABLE
    if is_forward:
        return Reading(database, f"The clock went forward by {_seconds(off)} s.")
    if -off > NOTABLE:
        return Reading(expected, f"The clock is {_seconds(-off)} s behind what has passed.")
    return Reading(max(database, expected))


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)
