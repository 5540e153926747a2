"""The calendar of a site as moments: shifts on the wall clock become stretches of time (pure)."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from production.oee import Plan
from production.timeline import Stretch, clip, merge, without

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What decides over a window may begin a day before what it decides over: overtime over shift over holiday,
# and a day that a zone leaves out (Samoa, 30 December 2011).
MARGIN = 4 * DAY
_KEPT = 512
"""Calendars, each for some days, whose shifts are kept: every tick asks for those of the same few days."""
HOLIDAY, OVERTIME, NO_DEMAND = "holiday", "overtime", "no_demand"


@dataclass(frozen=True, slots=True)
class Pause:
    """A break, by the wall clock: the first such time after its shift began."""

    name: str
    starts: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A shift that begins on days of the week (1 is Monday); `ends` not after `starts` is the next day."""

    name: str
    weekdays: frozenset[int]
    starts: time
    ends: time
    breaks: tuple[Pause, ...] = ()
    first_day: date | None = None
    last_day: date | None = None


ALWAYS = Pattern(name="Day", weekdays=frozenset(range(1, 8)), starts=time.min, ends=time.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Days that differ: `holiday`, `overtime` or `no_demand`; without times the whole of each day."""

    kind: str
    name: str
    first_day: date
    last_day: date
    starts: time | None = None
    ends: time | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a line produces. Without any pattern it is scheduled all the time, and a shift is a calendar day."""

    zone: ZoneInfo
    patterns: Sequence[Pattern] = ()
    differences: Sequence[Difference] = ()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Once, and not at every look-up: there may be a hundred exceptions.
        whole = (self.zone, tuple(self.patterns), tuple(self.differences))
        object.__setattr__(self, "_hash", hash(whole))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class ShiftTime:
    """A shift as it happened: of the day (at the site) on which it began, half open, in UTC."""

    name: str
    day: date
    started_at: datetime
    ended_at: datetime


def shift_times(calendar: Calendar, start: datetime, end: datetime) -> list[ShiftTime]:
    """Return every shift that shares time with [start, end), whole, by its beginning.

    Breaks do not cut a shift. A holiday does: it goes from the first moment that is left of it to the last, or
    is no shift at all. Overtime outside of every shift is a shift by its own name, holiday or not.
    """
    if start >= end:
        return []
    laid = laid_out(calendar, *_days(calendar.zone, start, end))
    found = [each.time for each in laid.shifts]
    taken = [Stretch(None, each.started_at, each.ended_at) for each in found]
    for overtime in laid.overtime:
        whole = Stretch(None, overtime.started_at, overtime.ended_at)
        found += [
            ShiftTime(overtime.name, overtime.day, rest.started_at, rest.ended_at)
            for rest in without(whole, _union(taken))
        ]
        taken.append(whole)
    return sorted(
        (each for each in found if each.started_at < end and each.ended_at > start),
        key=lambda each: (each.started_at, each.ended_at, each.name),
    )


def plan(calendar: Calendar, start: datetime, end: datetime) -> list[Stretch[Plan]]:
    """Return what the calendar says of [start, end), which the stretches cover exactly, in order.

    Scheduled is what a shift leaves after holidays, and overtime even on a holiday. Where it is scheduled, the
    break of any shift and days without demand are planned stops.
    """
    if start >= end:
        return []
    laid = laid_out(calendar, *_days(calendar.zone, start, end))
    changes: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for which, parts in enumerate((laid.scheduled, laid.stopped)):
        for part in clip(parts, start, end):
            changes[part.started_at][which] += 1
            changes[part.ended_at][which] -= 1
    moments = sorted({start, *changes} - {end})
    found: list[Stretch[Plan]] = []
    is_scheduled = is_stopped = 0
    for began, ended in zip(moments, [*moments[1:], end], strict=True):
        is_scheduled += changes[began][0]
        is_stopped += changes[began][1]
        found.append(Stretch(_says(is_scheduled, is_stopped), began, ended))
    return merge(found)


def shift_at(calendar: Calendar, at: datetime) -> ShiftTime | None:
    """Return the shift of a moment; where shifts overlap, the one that began later."""
    around = shift_times(calendar, at, at + timedelta(microseconds=1))
    return max(around, key=lambda each: each.started_at, default=None)


def hours(
    started_at: datetime, ended_at: datetime, zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """Return [started_at, ended_at) cut at the full hours of the wall clock, and where the clock is changed.

    No part is longer than an hour; the day of a change has 23 or 25 of them.
    """
    found: list[tuple[datetime, datetime]] = []
    at, end = started_at.astimezone(UTC), ended_at.astimezone(UTC)
    while at < end:
        wall = _wall(at, zone)
        full = at + (wall.replace(minute=0, second=0, microsecond=0) + HOUR - wall)
        if _offset(full, zone) != _offset(at, zone):
            full = _clock_change(zone, at, full)
        cut = min(full, end)
        found.append((at, cut))
        at = cut
    return found


def moment(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return when a clock on the wall there shows this, in UTC.

    A time that the clock leaves out is the moment it jumps. Of one that comes twice it is the first, for what
    begins and for what ends alike: so a later time is never an earlier moment, and of two shifts that meet on
    the wall none begins before the other ended, nor later.
    """
    naive = datetime.combine(day, wall)
    found = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(found, zone) == naive:
        return found
    return _clock_change(zone, naive.replace(tzinfo=zone, fold=1).astimezone(UTC), found)


def wrong_breaks(starts: time, ends: time, breaks: Sequence[Pause]) -> list[str]:
    """Return a sentence for each break that does not fit into the shift, or overlaps another; none if all fit.

    Lengths are those of the wall clock on a day without a change.
    """
    shift = _length(starts, ends)
    found, last = [], None
    for pause in sorted(breaks, key=lambda each: _length(starts, each.starts) % DAY):
        began = _length(starts, pause.starts) % DAY
        ended = began + _length(pause.starts, pause.ends)
        text = f"{pause.name} {pause.starts:%H:%M}-{pause.ends:%H:%M}"
        if ended > shift:
            found.append(f"{text} is not within the shift {starts:%H:%M}-{ends:%H:%M}.")
        if last is not None and began < last[1]:
            found.append(f"{text} overlaps {last[0]}.")
        last = (text, ended)
    return found


def _length(starts: time, ends: time) -> timedelta:
    """Return how long it is from wall to wall; a day for the same time."""
    began, ended = datetime.combine(date.min, starts), datetime.combine(date.min, ends)
    return ended - began if began < ended else ended - began + DAY


@dataclass(frozen=True, slots=True)
class _Shift:
    """A shift from the first to the last moment that holidays leave of it, and what they leave."""

    time: ShiftTime
    left: Sequence[Stretch[None]]
    breaks: Sequence[Stretch[None]]


@dataclass(frozen=True, slots=True)
class _Laid:
    """What of a calendar begins on some days: shifts, overtime, and the time scheduled and planned to stop."""

    shifts: Sequence[_Shift]
    overtime: Sequence[ShiftTime]
    scheduled: Sequence[Stretch[None]]
    stopped: Sequence[Stretch[None]]


@functools.lru_cache(maxsize=_KEPT)
def laid_out(calendar: Calendar, first: date, last: date) -> _Laid:
    """Return a calendar from its first day to its last, both included; an equal one is not laid out again."""
    days = [first + DAY * number for number in range((last - first).days + 1)]
    shifts = _shifts(calendar, days)
    overtime = _differing(calendar, days, OVERTIME)
    scheduled = [part for shift in shifts for part in shift.left]
    stopped = [part for shift in shifts for part in shift.breaks]
    return _Laid(
        shifts=shifts,
        overtime=overtime,
        scheduled=[*scheduled, *_stretches(overtime)],
        stopped=[*stopped, *_stretches(_differing(calendar, days, NO_DEMAND))],
    )


def _stretches(times: Iterable[ShiftTime]) -> Iterator[Stretch[None]]:
    return (Stretch(None, each.started_at, each.ended_at) for each in times)


def _shifts(calendar: Calendar, days: Sequence[date]) -> list[_Shift]:
    holidays = _union(_stretches(_differing(calendar, days, HOLIDAY)))
    found = []
    for pattern in calendar.patterns or (ALWAYS,):
        for day in days:
            whole = _on(pattern, day, calendar.zone)
            left = without(whole, holidays) if whole else []
            if left:
                named = ShiftTime(pattern.name, day, left[0].started_at, left[-1].ended_at)
                breaks = [
                    part
                    for pause in _breaks(pattern, day, calendar.zone)
                    for part in clip(left, pause.started_at, pause.ended_at)
                ]
                found.append(_Shift(named, left, breaks))
    return found


def _on(pattern: Pattern, day: date, zone: ZoneInfo) -> Stretch[None] | None:
    """Return the shift that begins on this day, if one does."""
    if day.isoweekday() not in pattern.weekdays:
        return None
    if pattern.first_day is not None and day < pattern.first_day:
        return None
    if pattern.last_day is not None and day > pattern.last_day:
        return None
    return _between(day, pattern.starts, pattern.ends, zone)


def _breaks(pattern: Pattern, day: date, zone: ZoneInfo) -> Iterator[Stretch[None]]:
    for pause in pattern.breaks:
        begins = day if pause.starts >= pattern.starts else day + DAY
        stretch = _between(begins, pause.starts, pause.ends, zone)
        if stretch:
            yield stretch


def _between(day: date, starts: time, ends: time, zone: ZoneInfo) -> Stretch[None] | None:
    """Return the time from wall to wall; None if the clock leaves all of it out."""
    began = moment(day, starts, zone)
    ended = moment(day if ends > starts else day + DAY, ends, zone)
    return Stretch(None, began, ended) if began < ended else None


def _differing(calendar: Calendar, days: Sequence[date], kind: str) -> list[ShiftTime]:
    """Return the times of the exceptions of a kind, one for each day, by their beginning."""
    found = []
    for difference in calendar.differences:
        if difference.kind != kind:
            continue
        for day in days:
            if difference.first_day <= day <= difference.last_day:
                starts, ends = difference.starts or time.min, difference.ends or time.min
                stretch = _between(day, starts, ends, calendar.zone)
                if stretch:
                    found.append(
                        ShiftTime(difference.name, day, stretch.started_at, stretch.ended_at)
                    )
    return sorted(found, key=lambda each: (each.started_at, each.ended_at, each.name))


def _days(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[date, date]:
    """Return from and to which day at the site something may begin that decides over [start, end)."""
    return _wall(start, zone).date() - MARGIN, _wall(end, zone).date() + MARGIN


def _union(stretches: Iterable[Stretch[None]]) -> list[Stretch[None]]:
    """Return the same time as stretches that neither overlap nor touch."""
    found: list[Stretch[None]] = []
    for each in sorted(stretches, key=lambda stretch: stretch.started_at):
        if found and each.started_at <= found[-1].ended_at:
            ended = max(each.ended_at, found[-1].ended_at)
            found[-1] = Stretch(None, found[-1].started_at, ended)
        else:
            found.append(each)
    return found


def _says(scheduled: int, stopped: int) -> Plan:
    if not scheduled:
        return Plan.NOT_SCHEDULED
    return Plan.PLANNED if stopped else Plan.SCHEDULED


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock there shows, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return _wall(at, zone) - at.astimezone(UTC).replace(tzinfo=None)


def _clock_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment between the two, in UTC, from which the clock there is set otherwise.

    Clocks are set at whole seconds.
    """
    low, high = (before - EPOCH) // SECOND, -((EPOCH - after) // SECOND)
    old = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(EPOCH + middle * SECOND, zone) == old:
            low = middle
        else:
            high = middle
    return EPOCH + high * SECOND
