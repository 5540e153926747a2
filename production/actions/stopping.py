"""Stops as the state changes: where one began, and the downtime that ends when it runs again."""

from datetime import datetime

from ms5.events.log import append
from production import standing
from production.choices import State
from production.limits import limits_of
from production.models import Condition, Downtime
from production.public.downtimes import downtime_of
from production.stops import Stop
from production.transitions import Move


def follow(condition: Condition, move: Move) -> None:
    """Let the stop of an equipment follow a move of its state; the condition still holds the one before.

    A stop begins with the first state in which it does not run, and goes on through time without data. When it
    runs again it ends; one longer than its threshold is a downtime, whether or not the processor saw it.
    """
    if move.state == State.RUNNING:
        if condition.stopped_since is not None:
            _end(condition, move.at)
        condition.stopped_since = None
    elif move.state != State.NO_DATA and condition.stopped_since is None:
        condition.stopped_since = move.at


def open_if_long(condition: Condition, at: datetime) -> Downtime | None:
    """Open the downtime of the present stop, known at `at` to be longer than its threshold.

    None, and nothing done, for a stop that is not, or has its downtime already. The caller holds the lock.
    """
    stop = standing.present_stops([condition]).get(condition.pk)
    lasting = Downtime.objects.filter(equipment=condition.pk, ended_at__isnull=True)
    if stop is None or lasting.exists():
        return None
    return _open(condition, stop, at, ended_at=None)


def say(row: Downtime, at: datetime) -> None:
    """Tell the whole public state of a downtime, as it became at `at`."""
    append(
        "downtime_event",
        downtime_of(row),
        occurred_at=at,
        line_id=row.equipment.line.code,
        equipment_code=row.equipment.code,
    )


def _end(condition: Condition, at: datetime) -> None:
    """End the downtime of the stop, where its last known state ended; make it if nobody has."""
    lasting = Downtime.objects.filter(equipment=condition.pk, ended_at__isnull=True).first()
    if lasting is None and _is_surely_small(condition, at):
        return
    stop = standing.present_stops([condition]).get(condition.pk)
    if lasting is None:
        if stop is not None:
            _open(condition, stop, at, ended_at=stop.ended_at)
        return
    known_until = stop.ended_at if stop else at
    # One that was put right or split after the last reading still takes time.
    lasting.ended_at = known_until if known_until > lasting.started_at else at
    lasting.version += 1
    lasting.save(update_fields=["ended_at", "version"])
    say(lasting, at)


def _is_surely_small(condition: Condition, at: datetime) -> bool:
    """Whether the stop is within every threshold, time without data and all; most are, and cost no more."""
    if condition.stopped_since is None:
        return True
    equipment = condition.equipment
    return at - condition.stopped_since <= limits_of([equipment])[equipment.pk].least()


def _open(
    condition: Condition, stop: Stop, at: datetime, *, ended_at: datetime | None
) -> Downtime | None:
    """Write the downtime of a stop, if it is long enough, after what of it is one already."""
    equipment = condition.equipment
    product_id = standing.product_at(equipment.pk, stop.started_at)
    if stop.is_small(standing.stop_after(equipment, product_id, stop.started_at)):
        return None
    already = Downtime.objects.filter(
        equipment=equipment, ended_at__gt=stop.started_at, merged_into__isnull=True
    )
    newest = already.order_by("-ended_at").first()
    started_at = newest.ended_at if newest and newest.ended_at else stop.started_at
    if started_at >= stop.ended_at:
        return None
    explanation = standing.explain(equipment, stop)
    row: Downtime = Downtime.objects.create(
        equipment=equipment,
        started_at=started_at,
        ended_at=ended_at,
        suggested=explanation.suggested,
        category=explanation.category,
        fault=explanation.fault,
        job=standing.job_at(equipment, stop.started_at),
        product_id=product_id,
    )
    say(row, at)
    return row
