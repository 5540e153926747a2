"""An explanation as its page prints it: formula, buckets, stretches, pieces, the readings of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from production.explain import Explanation, cycle_versions, explain
from production.models import Count, Downtime, Equipment
from production.oee import Bucket, seconds
from realtime.formats import whole
from realtime.periods import Period
from telemetry.trace import Trace, trace

# A reading may lie just before the state it brought about.
_AROUND = timedelta(seconds=2)
_MOST_COUNTS = 200
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
    counts: Sequence[Count]
    trace: Trace


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
    equipment: Equipment, period: Period, now: datetime, at: datetime | None = None
) -> Explained:
    """Return the explanation of an equipment's OEE; `at` is a moment of the stretch to open."""
    found = explain(
        equipment,
        period.start,
        period.end,
        now,
        no_data_is_stop=equipment.line.no_data_is_stop,
    )
    made = found.account.output
    return Explained(
        name=equipment.name,
        formula=found.formula,
        buckets=list(_buckets(found, equipment, period, at)),
        total=f"{seconds(found.account.all).normalize():f}",
        pieces=_pieces(found),
        total_ideal=f"{made.total_s.normalize():f}",
        total_good=f"{made.good_s.normalize():f}",
        chosen=_chosen(found, equipment, period, at) if at else None,
    )


def _buckets(
    found: Explanation, equipment: Equipment, period: Period, at: datetime | None
) -> Sequence[BucketDrawn]:
    ids = {leaf.what.downtime for leaf in found.leaves if leaf.what.downtime}
    downtimes = Downtime.objects.select_related("reason").in_bulk(ids)
    drawn = []
    for bucket in Bucket:
        length = found.account.of(bucket)
        leaves = [leaf for leaf in found.leaves if leaf.what.bucket is bucket]
        if not length and not leaves:
            continue
        left = found.rest.time.get(bucket)
        drawn.append(
            BucketDrawn(
                _NAMES[bucket],
                f"{seconds(length).normalize():f}",
                [
                    LeafDrawn(
                        at=f"{leaf.started_at.astimezone(period.zone):%d.%m. %H:%M:%S}",
                        seconds=f"{seconds(leaf.length).normalize():f}",
                        state=leaf.what.state.replace("_", " "),
                        why=_why(downtimes.get(leaf.what.downtime or 0)),
                        query=urlencode(
                            {
                                "equipment": equipment.code,
                                "from": period.start.isoformat(),
                                "to": period.end.isoformat(),
                                "at": leaf.started_at.isoformat(),
                            }
                        ),
                        is_chosen=at is not None and leaf.started_at <= at < leaf.ended_at,
                    )
                    for leaf in leaves
                ],
                f"{seconds(left).normalize():f}" if left else "",
            )
        )
    return drawn


def _why(downtime: Downtime | None) -> str:
    if downtime is None:
        return ""
    return f"downtime {downtime.pk}: {downtime.reason or 'no reason given'}"


def _pieces(found: Explanation) -> list[PiecesDrawn]:
    versions = cycle_versions(found.made)
    return [
        PiecesDrawn(
            kind=row.kind,
            product=row.product.name if row.product else "no product",
            pieces=whole(row.pieces),
            cycle=(
                f"{row.seconds_each.normalize():f} s since "
                f"{versions[row.ideal_cycle].effective_from:%d.%m.%Y}"
                if row.seconds_each is not None and row.ideal_cycle in versions
                else "none"
            ),
            ideal=f"{row.total_s.normalize():f}",
            good=f"{row.good_s.normalize():f}",
            note="" if row.measured else "shown after a gap: in no ratio",
        )
        for row in found.made
    ]


def _chosen(
    found: Explanation, equipment: Equipment, period: Period, at: datetime
) -> Chosen | None:
    leaf = next((each for each in found.leaves if each.started_at <= at < each.ended_at), None)
    if leaf is None:
        return None
    counts = Count.objects.within(leaf.started_at, leaf.ended_at).filter(equipment=equipment)
    return Chosen(
        at=f"{leaf.started_at.astimezone(period.zone):%d.%m. %H:%M:%S}",
        counts=list(counts.select_related("product").order_by("at", "pk")[:_MOST_COUNTS]),
        trace=trace(equipment, leaf.started_at - _AROUND, leaf.ended_at),
    )
