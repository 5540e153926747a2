"""Where the time went and what was made in it: time accounting, exact to the microsecond (pure).

The buckets follow ISO 22400-2 and Nakajima's six big losses:

    all = not scheduled + planned + no data + PPT;  PPT = stops + changeover + run;
    run = small stops + slow + net;  net = rejects + productive
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Self, TypeVar

from production.stops import NO_DATA, RUNNING, Stop
from production.timeline import BY_START, Stretch

T = TypeVar("T")
MICROSECOND = timedelta(microseconds=1)
_NOTHING = timedelta()
SETUP = "setup"


class Plan(StrEnum):
    """What the calendar says of a moment."""

    SCHEDULED = "scheduled"
    PLANNED = "planned"
    """Scheduled, and planned not to produce: a break, no demand."""
    NOT_SCHEDULED = "not_scheduled"


class Bucket(StrEnum):
    """Where a moment of an equipment falls: each into exactly one. Slow cycles and rejects are not time of
    their own; they follow from the pieces.
    """

    NOT_SCHEDULED = "not_scheduled"
    PLANNED = "planned"
    NO_DATA = "no_data"
    FAILURE = "failure"
    """An unplanned stop by a failure, or that nobody has given a reason."""
    ADJUSTMENT = "adjustment"
    """An unplanned stop for set-up or adjustment."""
    IDLING = "idling"
    """An unplanned stop longer than a micro-stop in which the equipment waited."""
    CHANGEOVER = "changeover"
    SMALL_STOP = "small_stop"
    RUNNING = "running"


_BUCKETS = tuple(Bucket)
STOPS = (Bucket.FAILURE, Bucket.ADJUSTMENT, Bucket.IDLING)
RUN = (Bucket.SMALL_STOP, Bucket.RUNNING)
PPT = (*STOPS, Bucket.CHANGEOVER, *RUN)


@dataclass(frozen=True, slots=True)
class Seen:
    """A state that was seen, and the row that says so."""

    state: str
    span: int | None = None


_UNSEEN = Seen(NO_DATA)


@dataclass(frozen=True, slots=True)
class Cause:
    """The bucket of a downtime by its reason, and the row that says so."""

    bucket: Bucket
    downtime: int | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Why a stretch is in its bucket: what was seen and which downtime it belongs to."""

    bucket: Bucket
    state: str
    span: int | None
    downtime: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is known of an equipment around a window; of each layer no two stretches overlap.

    `states` hold every stop that touches the window as a whole, so that a micro-stop is told by its whole
    length; holes are time without data. `small` are those of the stops that are micro-stops.
    """

    states: Sequence[Stretch[Seen]]
    plan: Sequence[Stretch[Plan]]
    said: Sequence[Stretch[str]] = ()
    """Planned stops that a person or a controller announced, with their reasons."""
    changeovers: Sequence[Stretch[int]] = ()
    causes: Sequence[Stretch[Cause]] = ()
    small: Sequence[Stop] = ()


class _Layer(Generic[T]):
    """What of a layer holds at moments asked in ascending order."""

    def __init__(self, stretches: Iterable[Stretch[T]]) -> None:
        self._stretches = sorted(stretches, key=BY_START)
        self._next = 0

    def cut(self, start: datetime, end: datetime, cuts: set[datetime]) -> None:
        """Add where the layer changes within the window."""
        for each in self._stretches:
            if start < each.started_at < end:
                cuts.add(each.started_at)
            if start < each.ended_at < end:
                cuts.add(each.ended_at)

    def at(self, moment: datetime) -> T | None:
        while self._next < len(self._stretches):
            each = self._stretches[self._next]
            if each.ended_at > moment:
                return each.what if each.started_at <= moment else None
            self._next += 1
        return None


def classify(timeline: Timeline, start: datetime, end: datetime) -> list[Stretch[Leaf]]:
    """Return the window cut into stretches, each with its bucket and why; together they are the window.

    Time in which it runs is run time whatever was planned, so that who works through a break is given credit
    for it. Otherwise the calendar comes first, then whether anything is known, then changeover, reason, length.
    """
    if start >= end:
        return []
    states = _Layer(timeline.states)
    plan = _Layer(timeline.plan)
    said = _Layer(timeline.said)
    changeovers = _Layer(timeline.changeovers)
    causes = _Layer(timeline.causes)
    small = _Layer(Stretch(stop, stop.started_at, stop.ended_at) for stop in timeline.small)
    layers: tuple[_Layer[object], ...] = (states, plan, said, changeovers, causes, small)  # type: ignore[assignment]  # read only, so covariant
    moments = {start}
    for layer in layers:
        layer.cut(start, end, moments)
    cuts = sorted(moments)
    found: list[Stretch[Leaf]] = []
    for since, until in zip(cuts, [*cuts[1:], end], strict=True):
        seen = states.at(since) or _UNSEEN
        if seen.state == RUNNING:  # whatever the other layers say
            leaf = Leaf(Bucket.RUNNING, RUNNING, seen.span, None)
        else:
            cause = causes.at(since)
            bucket = _bucket(
                seen.state,
                plan.at(since) or Plan.SCHEDULED,
                is_said=said.at(since) is not None,
                is_changeover=changeovers.at(since) is not None,
                cause=cause,
                is_small=small.at(since) is not None,
            )
            has_cause = cause is not None and seen.state != NO_DATA
            leaf = Leaf(
                bucket, seen.state, seen.span, cause.downtime if has_cause and cause else None
            )
        last = found[-1] if found else None
        if last is not None and last.what == leaf:
            found[-1] = Stretch(leaf, last.started_at, until)
        else:
            found.append(Stretch(leaf, since, until))
    return found


def _bucket(
    state: str,
    plan: Plan,
    *,
    is_said: bool,
    is_changeover: bool,
    cause: Cause | None,
    is_small: bool,
) -> Bucket:
    if plan is Plan.NOT_SCHEDULED:
        return Bucket.NOT_SCHEDULED
    if plan is Plan.PLANNED or is_said:
        return Bucket.PLANNED
    if state == NO_DATA:
        return Bucket.NO_DATA
    if is_changeover or state == SETUP:
        return Bucket.CHANGEOVER
    if cause is not None:
        return cause.bucket
    return Bucket.SMALL_STOP if is_small else Bucket.FAILURE


@dataclass(frozen=True, slots=True)
class Output:
    """What was made: pieces, and the seconds they would ideally have taken. It may be added up.

    `good` may be below zero in a part of a window (a reject is counted after its piece); of the whole it is
    not, unless counters contradict each other. `without` are the products of pieces that have no ideal cycle;
    None is a piece whose product nobody knew. `aside` are pieces in no ratio.
    """

    good: int = 0
    total: int = 0
    good_s: Decimal = Decimal(0)
    total_s: Decimal = Decimal(0)
    startup_s: Decimal = Decimal(0)
    """Ideal seconds of the rejects made in changeovers."""
    aside_good: int = 0
    aside_total: int = 0
    without: frozenset[int | None] = frozenset()

    @property
    def reject(self) -> int:
        return self.total - self.good

    def __add__(self, other: Self) -> "Output":
        return Output(
            self.good + other.good,
            self.total + other.total,
            self.good_s + other.good_s,
            self.total_s + other.total_s,
            self.startup_s + other.startup_s,
            self.aside_good + other.aside_good,
            self.aside_total + other.aside_total,
            self.without | other.without,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Time by bucket, and the output; accounts of parts of a window, or of equipment, may be added up."""

    time: Mapping[Bucket, timedelta] = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    small_stops: int = 0
    """Micro-stops that began in the window."""
    stops: int = 0
    """Longer stops that began in the window."""
    slow_cycles: int = 0
    """Slow cycles that ended in the window; a part of the time in which it ran."""
    slow: timedelta = timedelta()
    """What they took beyond the ideal cycle of their pieces."""

    def of(self, *buckets: Bucket) -> timedelta:
        """Return the time in these buckets together."""
        found = _NOTHING
        for bucket in buckets:
            if bucket in self.time:
                found += self.time[bucket]
        return found

    @property
    def all(self) -> timedelta:
        return sum(self.time.values(), timedelta())

    def __add__(self, other: Self) -> "Account":
        mine, others = self.time, other.time
        time = {
            bucket: mine.get(bucket, _NOTHING) + others.get(bucket, _NOTHING)
            for bucket in _BUCKETS
            if bucket in mine or bucket in others
        }
        return Account(
            time,
            self.output + other.output,
            self.small_stops + other.small_stops,
            self.stops + other.stops,
            self.slow_cycles + other.slow_cycles,
            self.slow + other.slow,
        )


def time_of(leaves: Iterable[Stretch[Leaf]]) -> dict[Bucket, timedelta]:
    """Return how long each bucket lasted."""
    lengths: dict[Bucket, timedelta] = {}
    for each in leaves:
        bucket = each.what.bucket
        lengths[bucket] = lengths.get(bucket, _NOTHING) + each.length
    return lengths


def seconds(length: timedelta) -> Decimal:
    """Return exact seconds; a float of them would not be."""
    return Decimal(length // MICROSECOND) / 1_000_000
