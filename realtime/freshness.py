"""How old the data of a line is, for a person (pure); static/js/freshness.js is its twin in the browser.

Between two heartbeats nobody knows more than the last one said, so the shown age grows by the clock.
That growth alone must not turn a healthy line amber just before each heartbeat: the chip is late when
the heartbeat *said* more than 5 s, or when the heartbeat itself is overdue.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from realtime.formats import age, duration

LATE = timedelta(seconds=5)
STALE = timedelta(seconds=15)
OVERDUE = timedelta(seconds=7)
"""A heartbeat every 5 s, and what a busy network may add."""

Level = Literal["live", "late", "stale", "none", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What was known at `at` of the sources of a line; `age_ms` is that of its oldest last good reading."""

    plc: str
    age_ms: int | None
    quality: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The chip of a line: its level, its words, and the timer of the stale mark."""

    level: Level
    text: str
    timer: str = ""


def freshness_of(sources: Sources | None, now: datetime) -> Fresh:
    """Return the chip of a line as of `now`."""
    if sources is None or sources.plc == "none":
        return Fresh(level="none", text="no PLC")
    if sources.age_ms is None:
        return Fresh(level="never", text="no reading yet")
    reported = timedelta(milliseconds=sources.age_ms)
    since = max(timedelta(), now - sources.at)
    grown_s = (reported + since).total_seconds()
    level: Level = "live"
    if reported + since > STALE:
        level = "stale"
    elif reported > LATE or since > OVERDUE:
        level = "late"
    return Fresh(level=level, text=f"data {age(grown_s)} old", timer=duration(grown_s))
