"""Where the time went and what it made of it: time accounting and OEE, exact to the microsecond (pure).

Buckets and ratios follow ISO 22400-2 and Nakajima's six big losses:

    all = not scheduled + planned + no data + PPT;  PPT = stops + changeover + run;
    run = small stops + slow + net;  net = rejects + productive
    A = run / PPT;  P = (ideal cycle x total) / run;  Q = (ideal cycle x good) / (ideal cycle x total)
    OEE = (ideal cycle x good) / PPT
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Self, TypeVar

from production.stops import NO_DATA, RUNNING, Stop
from production.timeline import Stretch

T = TypeVar("T")
MICROSECOND = timedelta(microseconds=1)
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


STOPS = (Bucket.FAILURE, Bucket.ADJUSTMENT, Bucket.IDLING)
RUN = (Bucket.SMALL_STOP, Bucket.RUNNING)
PPT = (*STOPS, Bucket.CHANGEOVER, *RUN)


@dataclass(frozen=True, slots=True)
class Seen:
    """A state that was seen, and the row that says so."""

    state: str
    span: int | None = None


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
        self._stretches = sorted(stretches, key=lambda each: each.started_at)
        self._next = 0

    def cuts(self, start: datetime, end: datetime) -> Iterator[datetime]:
        for each in self._stretches:
            if start < each.started_at < end:
                yield each.started_at
            if start < each.ended_at < end:
                yield each.ended_at

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
    cuts = sorted({start, *(cut for layer in layers for cut in layer.cuts(start, end))})
    found: list[Stretch[Leaf]] = []
    for began, ended in zip(cuts, [*cuts[1:], end], strict=True):
        seen = states.at(began) or Seen(NO_DATA)
        cause = causes.at(began)
        bucket = _bucket(
            seen.state,
            plan.at(began) or Plan.SCHEDULED,
            is_said=said.at(began) is not None,
            is_changeover=changeovers.at(began) is not None,
            cause=cause,
            is_small=small.at(began) is not None,
        )
        has_cause = cause is not None and seen.state not in {RUNNING, NO_DATA}
        leaf = Leaf(
            bucket, seen.state, seen.span, cause.downtime if has_cause and cause else None
        )
        last = found[-1] if found else None
        if last is not None and last.what == leaf:
            found[-1] = Stretch(leaf, last.started_at, ended)
        else:
            found.append(Stretch(leaf, began, ended))
    return found


def _bucket(  # noqa: PLR0911 - a table of precedence, read from the top
    state: str,
    plan: Plan,
    *,
    is_said: bool,
    is_changeover: bool,
    cause: Cause | None,
    is_small: bool,
) -> Bucket:
    if state == RUNNING:
        return Bucket.RUNNING
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
        return sum((self.time.get(bucket, timedelta()) for bucket in buckets), timedelta())

    @property
    def all(self) -> timedelta:
        return sum(self.time.values(), timedelta())

    def __add__(self, other: Self) -> "Account":
        time = {
            bucket: self.of(bucket) + other.of(bucket)
            for bucket in Bucket
            if bucket in self.time or bucket in other.time
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
        lengths[each.what.bucket] = lengths.get(each.what.bucket, timedelta()) + each.length
    return lengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The ratios of an account: exact fractions, None where nobody can know them, and `why`.

    `lost` are the seconds in the order of the waterfall, from all time down to what was productive; they are
    exact, and `slow` is below zero where pieces took less than their ideal cycle. It is made of `slow_cycle`,
    which the slow cycles that were counted took too long, and `speed`, the rest.
    """

    availability: Decimal | None
    performance: Decimal | None
    quality: Decimal | None
    oee: Decimal | None
    nee: Decimal | None
    """Net equipment effectiveness (ISO 22400-2): set-up is no loss."""
    teep: Decimal | None
    """Total effective equipment performance: over all time."""
    confidence: Decimal | None
    """Measured share of the planned production time."""
    why: str | None
    warning: str | None
    lost: Mapping[str, Decimal | None]
    six: Mapping[str, Decimal | None]


def seconds(length: timedelta) -> Decimal:
    """Return exact seconds; a float of them would not be."""
    return Decimal(length // MICROSECOND) / 1_000_000


def figures(
    account: Account, *, no_data_is_stop: bool = False, names: Mapping[int, str] | None = None
) -> Figures:
    """Return the figures of an account. `names` are those of products, for the sentence in `why`.

    Nothing planned: all None. Planned, never ran: A 0, P and Q None, OEE 0. Ran, made nothing: P 0, Q None,
    OEE 0. A piece without an ideal cycle: P and OEE None. P above 1 is shown with a warning, never clamped.
    """
    made = account.output
    unmeasured = seconds(account.of(Bucket.NO_DATA))
    measured = seconds(account.of(*PPT))
    ppt = measured + (unmeasured if no_data_is_stop else 0)
    run = seconds(account.of(*RUN))
    known = not made.without
    performance = made.total_s / run if run and known else None
    quality = _quality(made)
    oee = made.good_s / ppt if ppt and known else None
    everything = seconds(account.all)
    setup = seconds(account.of(Bucket.CHANGEOVER, Bucket.ADJUSTMENT))
    # ISO 22400-2: NEE = (APT + AUST) / PBT x effectiveness x quality ratio.
    nee = (
        (run + setup) / ppt * performance * quality
        if ppt and performance is not None and quality is not None
        else (Decimal(0) if ppt and known else None)
    )
    return Figures(
        availability=run / ppt if ppt else None,
        performance=performance,
        quality=quality,
        oee=oee,
        nee=nee,
        teep=made.good_s / everything if everything and known and ppt else None,
        confidence=measured / (measured + unmeasured) if measured + unmeasured else None,
        why=_why(made, ppt=ppt, run=run, names=names or {}),
        warning=_warning(performance, made),
        lost=_lost(account, known=known, no_data_is_stop=no_data_is_stop),
        six=_six(
            account, known=known, unmeasured=unmeasured if no_data_is_stop else Decimal(0)
        ),
    )


def _quality(made: Output) -> Decimal | None:
    if made.total_s and not made.without:
        return made.good_s / made.total_s
    # Of one product alone, the ideal cycle cancels out.
    if len(made.without) == 1 and not made.total_s and made.total:
        return Decimal(made.good) / made.total
    return None


def _why(made: Output, *, ppt: Decimal, run: Decimal, names: Mapping[int, str]) -> str | None:
    if not ppt:
        return "nothing was planned, or nothing was measured"
    if made.without:
        known = sorted(names.get(each, str(each)) for each in made.without if each is not None)
        parts = [f"no ideal cycle for {', '.join(known)}"] if known else []
        if None in made.without:
            parts.append("no product was set for some of the pieces")
        return "; ".join(parts)
    if not run:
        return "it never ran"
    return None if made.total else "it ran and made nothing"


def _warning(performance: Decimal | None, made: Output) -> str | None:
    if made.good < 0 or made.total < made.good:
        return "the counters contradict each other: more rejects than pieces"
    if performance is not None and performance > 1:
        return "performance is above 100 %: the ideal cycle is too long, or a counter jumped"
    return None


def _lost(account: Account, *, known: bool, no_data_is_stop: bool) -> dict[str, Decimal | None]:
    made, no_data = account.output, seconds(account.of(Bucket.NO_DATA))
    as_stop = no_data if no_data_is_stop else Decimal(0)
    running = seconds(account.of(Bucket.RUNNING))
    return {
        "all": seconds(account.all),
        "not_scheduled": seconds(account.of(Bucket.NOT_SCHEDULED)),
        "planned_stop": seconds(account.of(Bucket.PLANNED)),
        "no_data": no_data - as_stop,
        "ppt": seconds(account.of(*PPT)) + as_stop,
        "stop": seconds(account.of(*STOPS)) + as_stop,
        "changeover": seconds(account.of(Bucket.CHANGEOVER)),
        "run": seconds(account.of(*RUN)),
        "small_stop": seconds(account.of(Bucket.SMALL_STOP)),
        "slow": running - made.total_s if known else None,
        "slow_cycle": seconds(account.slow) if known else None,
        "speed": running - made.total_s - seconds(account.slow) if known else None,
        "net": made.total_s if known else None,
        "reject": made.total_s - made.good_s if known else None,
        "productive": made.good_s if known else None,
    }


def _six(account: Account, *, known: bool, unmeasured: Decimal) -> dict[str, Decimal | None]:
    made, running = account.output, seconds(account.of(Bucket.RUNNING))
    return {
        "failure": seconds(account.of(Bucket.FAILURE)) + unmeasured,
        "setup": seconds(account.of(Bucket.ADJUSTMENT, Bucket.CHANGEOVER)),
        "idling": seconds(account.of(Bucket.IDLING, Bucket.SMALL_STOP)),
        "speed": running - made.total_s if known else None,
        "defects": made.total_s - made.good_s - made.startup_s if known else None,
        "startup": made.startup_s if known else None,
    }
