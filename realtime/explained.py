"""An explanation as its page prints it: formula, buckets, stretches, pieces, the readings of one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from production.explain import Made
from production.groups import Scope
from production.models import Downtime
from production.oee import Bucket, seconds
from production.summed import Part, Sum
from realtime.formats import whole
from realtime.periods import Period
from telemetry import explained as explaining
from telemetry.explained import Readings

_NAMES = {
    Bucket.NOT_SCHEDULED: "Not scheduled",
    Bucket.PLANNED: "Planned stop or break",
    Bucket.NO_DATA: "No data",
    Bucket.FAILURE: "Unplanned stop",
    Bucket.ADJUSTMENT: "Stop for adjustment",
    Bucket.IDLING: "Stop, waiting",
    Bucket.CHANGEOVER: "Changeover",
    Bucket.SMALL_STOP: "Micro-stop",
    Bucket.RUNNING: "Running",
}


@dataclass(frozen=True, slots=True)
class LeafDrawn:
    """A stretch: when, how long, what was seen, why it is in its bucket."""

    at: str
    seconds: str
    state: str
    why: str
    query: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class BucketDrawn:
    """A bucket with its stretches; those not shown are summed."""

    name: str
    seconds: str
    leaves: Sequence[LeafDrawn]
    rest: str


@dataclass(frozen=True, slots=True)
class PiecesDrawn:
    """Pieces of a kind, product and version of the ideal cycle."""

    kind: str
    product: str
    pieces: str
    cycle: str
    ideal: str
    good: str
    note: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The stretch that was asked about: its increments and the readings themselves."""

    at: str
    readings: Readings


@dataclass(frozen=True, slots=True)
class PartDrawn:
    """What is in a sum: its planned, running and ideal seconds, its own OEE, and where it is explained."""

    name: str
    planned: str
    run: str
    ideal: str
    good: str
    oee: str
    query: str


@dataclass(frozen=True, slots=True)
class SumDrawn:
    """The figure of a line that is the sum of its equipment, with the sums below them."""

    name: str
    formula: Sequence[tuple[str, str]]
    parts: Sequence[PartDrawn]
    total: PartDrawn


@dataclass(frozen=True, slots=True)
class Explained:
    """All of it, with sums that add up to the figure."""

    name: str
    formula: Sequence[tuple[str, str]]
    buckets: Sequence[BucketDrawn]
    total: str
    pieces: Sequence[PiecesDrawn]
    total_ideal: str
    total_good: str
    chosen: Chosen | None


def explained(
    scope: Scope, period: Period, now: datetime, at: datetime | None = None
) -> Explained | SumDrawn:
    """Return the explanation of the OEE of a line or an equipment; `at` is a moment of the stretch to open."""
    told = explaining.explained(scope, period.start, period.end, now, at=at)
    if isinstance(told, Sum):
        return _sum(told, scope, period)
    found = told.found
    made = found.account.output
    return Explained(
        name=told.equipment.name,
        formula=found.formula,
        buckets=list(_buckets(told, period)),
        total=f"{seconds(found.account.all).normalize():f}",
        pieces=_pieces(told),
        total_ideal=f"{made.total_s.normalize():f}",
        total_good=f"{made.good_s.normalize():f}",
        chosen=Chosen(_clock(told.opened.started_at, period), told.readings)
        if told.opened
        else None,
    )


def _sum(told: Sum, scope: Scope, period: Period) -> SumDrawn:
    line = scope.lines[0]
    return SumDrawn(
        name=line.name,
        formula=told.formula,
        parts=[
            _part(each, each.equipment.name, each.equipment.code, period)
            for each in told.parts
            if each.equipment is not None
        ],
        total=_part(Part(line, None, told.account, told.figures), line.name, "", period),
    )


def _part(each: Part, name: str, code: str, period: Period) -> PartDrawn:
    made, lost = each.account.output, each.figures.lost
    texts = (lost["ppt"], lost["run"], made.total_s, made.good_s)
    planned, run, ideal, good = ("-" if x is None else f"{x.normalize():f}" for x in texts)
    oee = "-" if each.figures.oee is None else f"{each.figures.oee:.6f}"
    return PartDrawn(name, planned, run, ideal, good, oee, _query(code, period))


def _query(code: str, period: Period, at: datetime | None = None) -> str:
    asked = {"equipment": code, "from": period.start.isoformat(), "to": period.end.isoformat()}
    return urlencode(asked | ({"at": at.isoformat()} if at else {}))


def _clock(moment: datetime, period: Period) -> str:
    return f"{moment.astimezone(period.zone):%d.%m. %H:%M:%S}"


def _buckets(told: explaining.Explained, period: Period) -> Iterator[BucketDrawn]:
    found = told.found
    for bucket in Bucket:
        length = found.account.of(bucket)
        leaves = [leaf for leaf in found.leaves if leaf.what.bucket is bucket]
        if not length and not leaves:
            continue
        left = found.rest.time.get(bucket)
        yield BucketDrawn(
            _NAMES[bucket],
            f"{seconds(length).normalize():f}",
            [
                LeafDrawn(
                    at=_clock(leaf.started_at, period),
                    seconds=f"{seconds(leaf.length).normalize():f}",
                    state=leaf.what.state.replace("_", " "),
                    why=_why(told.downtimes.get(leaf.what.downtime or 0)),
                    query=_query(told.equipment.code, period, leaf.started_at),
                    is_chosen=leaf is told.opened,
                )
                for leaf in leaves
            ],
            f"{seconds(left).normalize():f}" if left else "",
        )


def _why(downtime: Downtime | None) -> str:
    if downtime is None:
        return ""
    return f"downtime {downtime.pk}: {downtime.reason or 'no reason given'}"


def _pieces(told: explaining.Explained) -> list[PiecesDrawn]:
    has_changed = len({row.counters for row in told.found.made}) > 1
    return [
        PiecesDrawn(
            kind=row.kind,
            product=row.product.name if row.product else "no product",
            pieces=whole(row.pieces),
            cycle=(
                f"{row.seconds_each.normalize():f} s since "
                f"{told.cycles[row.ideal_cycle].effective_from:%d.%m.%Y}"
                if row.seconds_each is not None
                and row.ideal_cycle is not None
                and row.ideal_cycle in told.cycles
                else "none"
            ),
            ideal=f"{row.total_s.normalize():f}",
            good=f"{row.good_s.normalize():f}",
            note="; ".join(_notes(row, has_changed=has_changed)),
        )
        for row in told.found.made
    ]


def _notes(row: Made, *, has_changed: bool) -> Iterator[str]:
    if not row.measured:
        yield "shown after a gap: in no ratio"
    if has_changed:
        yield f"counters then: {row.counters.replace(' ', ', ') or 'none'}"
