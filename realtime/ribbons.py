"""A ribbon: what an equipment did over some hours, as parts on a line of pixels (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from production.timeline import Stretch
from realtime.drawing import WORDS
from realtime.formats import duration

WIDTH = 1000
_WORDS = {**WORDS, "break": "BREAK", "not_scheduled": "NOT SCHEDULED"}
_MOST_HOURS = 16
# Each divides a day, so that names come at the same hours of every day.
_STEPS = (1, 2, 3, 6)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch in one state; `x` and `width` are of a drawing 1,000 wide."""

    state: str
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Hour:
    """A full hour of the plant's clock, and where it begins, in per cent."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What is printed; `label` says it to those who do not see it."""

    parts: Sequence[Part]
    hours: Sequence[Hour]
    marks: Sequence[float]
    label: str
    width: int = WIDTH


def draw_ribbon(
    stretches: Sequence[Stretch[str]], start: datetime, end: datetime, zone: ZoneInfo
) -> Ribbon:
    """Return the ribbon of [start, end); what lies beyond its stretches is empty."""
    length = end - start
    parts = [
        Part(
            state=each.what,
            x=_at(each.started_at - start, length),
            width=_at(each.length, length),
            title=f"{_word(each.what)} {each.started_at.astimezone(zone):%H:%M:%S}, "
            f"{duration(each.length / timedelta(seconds=1))}",
        )
        for each in stretches
    ]
    hours = _hours(start, end, zone)
    return Ribbon(
        parts=parts,
        hours=hours,
        marks=[hour.at * WIDTH / 100 for hour in hours],
        label=_label(stretches),
    )


def _at(part: timedelta, whole: timedelta) -> float:
    return round(part / whole * WIDTH, 3) if whole else 0.0


def _word(state: str) -> str:
    return _WORDS.get(state, state.upper())


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> list[Hour]:
    """Return the full hours, every one of a shift and fewer of a week."""
    length = (end - start) / timedelta(hours=1)
    step = next((each for each in _STEPS if length / each <= _MOST_HOURS), 24)
    local = start.astimezone(zone)
    # From full hour to full hour in UTC: the wall clock may skip or repeat one.
    at = start + timedelta(
        hours=1, minutes=-local.minute, seconds=-local.second, microseconds=-local.microsecond
    )
    hours = []
    while at < end:
        if at.astimezone(zone).hour % step == 0:
            name = f"{at.astimezone(zone):%H}" if step < 24 else f"{at.astimezone(zone):%d.%m.}"
            hours.append(Hour(name, round((at - start) / (end - start) * 100, 3)))
        at += timedelta(hours=1)
    return hours


def _label(stretches: Sequence[Stretch[str]]) -> str:
    lengths: dict[str, timedelta] = {}
    for each in stretches:
        lengths[each.what] = lengths.get(each.what, timedelta()) + each.length
    longest = sorted(lengths.items(), key=lambda pair: -pair[1])
    return ", ".join(
        f"{_word(state).lower()} {duration(length / timedelta(seconds=1))}"
        for state, length in longest
    )
