"""Settled time: quarters of an hour that only a correction can change, tallied once."""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, Min, OuterRef

from ms5.database import chunks
from ms5.events.log import recording
from ms5.events.retry import retried
from production import layers, quarters
from production.accounting import slow_in, stops_begun
from production.choices import ChangeoverStatus
from production.isolation import each_alone, raise_failed
from production.layers import Wanted
from production.losses import Put, lost
from production.models import (
    Changeover,
    Condition,
    Equipment,
    LossTally,
    Settlement,
    Span,
    TimeTally,
)
from production.oee import MICROSECOND, Bucket, Leaf, classify
from production.stops import RUNNING
from production.timeline import Stretch, clip
from production.timelines import Extent, Known, known, widened

log = logging.getLogger(__name__)

# An action that was decided in a quarter commits soon after; until then the quarter is not settled.
GRACE = timedelta(minutes=1)
# Of an equipment in one go: two days of a history that was never settled.
MOST = 192


def settle(now: datetime) -> int:
    """Tally the quarters that no reading can change any more; return how many.

    They lie before the last reading that told the state, the beginning of the present stop, and that of the
    running changeover. At most `MOST` quarters of an equipment are settled at a time. Each line is a
    transaction; one that fails is logged and the others go on, then an ExceptionGroup says so.
    """
    done, failed = each_alone(
        sorted(_due(now).items()),
        lambda own: _settle(*own, now),
        lambda own: {"line": own[0]},
        log,
        "a line's time could not be settled",
    )
    raise_failed(failed, "lines could not be settled")
    return done


def unsettle(equipment_ids: Collection[int], since: datetime) -> None:
    """Take back what is settled of these equipment from `since` on. Called in the action that changes it.

    What a stop across `since` is depends on its whole length, so it goes back to where that stop began.
    Takes the locks of the equipment if the caller does not hold them yet.
    """
    for ids in chunks(sorted(set(equipment_ids))):
        list(_under_lock(ids))
        wanted = [Wanted(pk, pk, since, since + MICROSECOND) for pk in ids]
        begun = dict.fromkeys(ids, since)
        for pk, _, state, started_at, _ in layers.spans(wanted):
            began = layers.moment(started_at)
            if state != RUNNING and began < begun[pk]:
                begun[pk] = began
        by_quarter: dict[datetime, list[int]] = defaultdict(list)
        for pk, at in begun.items():
            by_quarter[quarters.begin(at)].append(pk)
        for quarter, own in by_quarter.items():
            for tally in (TimeTally, LossTally):
                tally.objects.filter(equipment__in=own, started_at__gte=quarter).delete()
            Settlement.objects.filter(equipment__in=own, until__gt=quarter).update(
                until=quarter
            )
        settled = TimeTally.objects.filter(equipment=OuterRef("equipment"))
        Settlement.objects.filter(~Exists(settled), equipment__in=ids).delete()


def settle_anew(equipment: Equipment, since: datetime, until: datetime, now: datetime) -> None:
    """Tally the settled quarters that share time with [since, until) anew, after an action has changed it.

    The window is widened to whole stops, since a stop is what its whole length makes it. What a change reaches
    that is not settled any more by it, and what is longer than is settled in one go, is taken back instead.
    """
    (condition,) = _under_lock([equipment.pk])
    settled = Settlement.objects.filter(pk=equipment.pk).values_list("until", flat=True).first()
    if settled is None:
        return
    begun, ended = since, until
    for _, _, state, started_at, ended_at in layers.spans(
        [Wanted(equipment.pk, equipment.pk, since, max(until, since + MICROSECOND))]
    ):
        if state != RUNNING:
            begun = min(begun, layers.moment(started_at))
            ended = max(ended, layers.moment_or_none(ended_at) or settled)
    first = TimeTally.objects.filter(equipment=equipment).order_by("started_at").first()
    start = quarters.begin(begun)
    if first is not None:
        start = max(start, first.started_at)
    end = min(quarters.begin(ended - MICROSECOND) + quarters.QUARTER, settled)
    if start >= end:
        return
    read_at = condition.state_read_at
    busy = _changing_over(equipment.line_id).get(equipment.line_id)
    is_final = read_at is not None and settled <= _final(
        now, read_at, condition.stopped_since, busy
    )
    if not is_final or end - start > MOST * quarters.QUARTER:
        unsettle([equipment.pk], since)
        return
    for tally in (TimeTally, LossTally):
        tally.objects.filter(
            equipment=equipment, started_at__gte=start, started_at__lt=end
        ).delete()
    _tally([Extent(equipment, start, end)])


def _under_lock(equipment_ids: Collection[int]) -> Sequence[Condition]:
    rows = Condition.objects.select_for_update().filter(pk__in=equipment_ids)
    return list(rows.order_by("pk"))


def _due(now: datetime) -> dict[int, list[int]]:
    """Return by line the equipment that seems to have a quarter to settle; it is asked again under the lock."""
    due: dict[int, list[int]] = defaultdict(list)
    until = dict(Settlement.objects.values_list("equipment", "until"))
    busy = _changing_over()
    rows = Condition.objects.filter(state_read_at__isnull=False).values_list(
        "equipment", "equipment__line", "state_read_at", "stopped_since"
    )
    conditions = [
        (pk, line, read_at, stopped_since)
        for pk, line, read_at, stopped_since in rows
        if read_at is not None
    ]
    first = _first_data({pk for pk, *_ in conditions} - until.keys())
    for pk, line, read_at, stopped_since in conditions:
        begun = until.get(pk, first.get(pk))
        end = _final(now, read_at, stopped_since, busy.get(line))
        if begun is not None and quarters.begin(begun) < end:
            due[line].append(pk)
    return due


def _first_data(equipment_ids: Collection[int]) -> dict[int, datetime]:
    """Return when the first span of each began."""
    if not equipment_ids:
        return {}
    spans = Span.objects.filter(equipment__in=equipment_ids).order_by()
    return dict(spans.values_list("equipment").annotate(Min("started_at")))


def _changing_over(line: int | None = None) -> dict[int, datetime]:
    running = Changeover.objects.filter(status=ChangeoverStatus.RUNNING)
    if line is not None:
        running = running.filter(line=line)
    return dict(running.order_by().values_list("line").annotate(Min("started_at")))


def _final(
    now: datetime,
    read_at: datetime,
    stopped_since: datetime | None,
    changing_over_since: datetime | None,
) -> datetime:
    """Return the end of the last quarter that nothing but a correction can change."""
    known_ = [at for at in (read_at, stopped_since, changing_over_since) if at is not None]
    return quarters.begin(min(now - GRACE, *known_))


@retried
def _settle(line: int, equipment_ids: Collection[int], now: datetime) -> int:
    with recording():
        conditions = {row.pk: row for row in _under_lock(equipment_ids)}
        busy = _changing_over(line).get(line)
        until = dict(
            Settlement.objects.filter(pk__in=conditions).values_list("equipment", "until")
        )
        first = _first_data(conditions.keys() - until.keys())
        extents = []
        for equipment in Equipment.objects.filter(pk__in=conditions).order_by("pk"):
            condition = conditions[equipment.pk]
            begun = until.get(equipment.pk, first.get(equipment.pk))
            if begun is None or condition.state_read_at is None:
                continue
            start = quarters.begin(begun)
            end = _final(now, condition.state_read_at, condition.stopped_since, busy)
            end = min(end, start + MOST * quarters.QUARTER)
            if start < end:
                extents.append(Extent(equipment, start, end))
        done = _tally(extents)
        Settlement.objects.bulk_create(
            [Settlement(equipment=each.equipment, until=each.end) for each in extents],
            update_conflicts=True,
            unique_fields=["equipment"],
            update_fields=["until"],
        )
        return done


def _tally(extents: Sequence[Extent]) -> int:
    """Write the tallies of these quarters, none of which is there; return how many quarters they are."""
    rows: list[TimeTally] = []
    losses: list[LossTally] = []
    wide = widened(extents)
    for extent, wider, each in zip(extents, wide, known(wide), strict=True):
        leaves = classify(each.timeline, wider.start, wider.end)
        rows += _rows(extent, each, list(clip(leaves, extent.start, extent.end)))
        losses += _losses(extent, each, leaves)
    TimeTally.objects.bulk_create(rows, batch_size=500)
    LossTally.objects.bulk_create(losses, batch_size=500)
    return len(rows)


def _losses(extent: Extent, each: Known, leaves: Sequence[Stretch[Leaf]]) -> list[LossTally]:
    """Return a row for all that is put down to one thing in a quarter."""
    rows: dict[tuple[datetime, Put], LossTally] = {}
    for part in lost(leaves, each.own(), each.products, extent.start):
        quarter, put = quarters.begin(part.started_at), part.put
        row = rows.setdefault(
            (quarter, put),
            LossTally(
                equipment=extent.equipment,
                started_at=quarter,
                bucket=put.bucket,
                downtime_id=put.downtime,
                product_id=put.product,
                length_us=0,
            ),
        )
        row.length_us += (part.ended_at - part.started_at) // MICROSECOND
        row.begun += part.begun
    return list(rows.values())


def _rows(extent: Extent, each: Known, leaves: Sequence[Stretch[Leaf]]) -> list[TimeTally]:
    """Return a row for every quarter of the extent, whose ends are those of quarters."""
    rows: dict[datetime, TimeTally] = {}
    at = extent.start
    while at < extent.end:
        rows[at] = TimeTally(equipment=extent.equipment, started_at=at)
        at += quarters.QUARTER
    for leaf in leaves:
        column = f"{leaf.what.bucket}_us"
        for began, ended in quarters.cut(leaf.started_at, leaf.ended_at):
            row = rows[quarters.begin(began)]
            setattr(row, column, getattr(row, column) + (ended - began) // MICROSECOND)
    for began, bucket in stops_begun(each, leaves):
        row = rows[quarters.begin(began)]
        if bucket is Bucket.SMALL_STOP:
            row.small_stops += 1
        else:
            row.stops += 1
    for cycle in slow_in(each, leaves):
        row = rows[quarters.begin(cycle.ended_at - MICROSECOND)]
        row.slow_cycles += 1
        row.slow_us += cycle.lost // MICROSECOND
    return list(rows.values())
