"""The state of an equipment: its spans, its condition and the fact about it, moved together.

The caller holds the lock on the condition, and saves it when it is done with it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection

from ms5 import rows
from ms5.events.log import append
from production.actions import stopping
from production.choices import State
from production.models import Condition, Span
from production.public import state_of
from production.transitions import Move, Present

SAVED = (
    "state",
    "since",
    "stopped_since",
    "previous",
    "reason",
    "last_good_at",
    "state_read_at",
    "quality",
    "trouble",
    "speed",
    "product_number",
    "changeover_bit",
)
LONGEST_REASON = 200
_SPAN = ("equipment_id", "state", "started_at", "reason")
# A plant that is read too late for a while moves every equipment to and fro.
_END = """
UPDATE production_span SET ended_at = %s
WHERE equipment_id = %s AND ended_at IS NULL AND superseded_by_id IS NULL
"""


def present(condition: Condition) -> Present:
    """Return what the pure rules need to know of it."""
    return Present(condition.state, condition.state_read_at, condition.since)


def no_data_after(condition: Condition) -> timedelta:
    """Return how long its state may go untold."""
    return timedelta(seconds=condition.equipment.no_data_after_s)


def leave(condition: Condition, at: datetime) -> None:
    """End the present span at `at`. One that began there was never stayed in, and goes."""
    if condition.since is not None and condition.since < at:
        with connection.cursor() as cursor:
            adapted = connection.ops.adapt_datetimefield_value(at)
            cursor.execute(_END, [adapted, condition.equipment_id])
    else:
        Span.objects.open().filter(equipment=condition.equipment_id).delete()


def enter(condition: Condition, move: Move, reason: str) -> None:
    """Begin the state at the end of the span that `leave` ended, and say so."""
    stopping.follow(condition, move)
    condition.previous = condition.state if condition.since is not None else ""
    condition.state = move.state
    condition.since = move.at
    condition.reason = reason[:LONGEST_REASON]
    if move.state == State.NO_DATA:
        condition.speed = None
    began = (
        condition.equipment_id,
        str(move.state),
        connection.ops.adapt_datetimefield_value(move.at),
        condition.reason,
    )
    rows.insert_values(Span, _SPAN, [began])
    _say(condition, move.at, move.at)


def explain(condition: Condition, reason: str, at: datetime) -> None:
    """Give the present state another reason, known at `at`; the same reason says nothing."""
    reason = reason[:LONGEST_REASON]
    if reason == condition.reason:
        return
    condition.reason = reason
    if condition.since is not None:
        Span.objects.open().filter(equipment=condition.equipment_id).update(reason=reason)
        _say(condition, condition.since, at)


def forget(condition: Condition, move: Move, reason: str) -> None:
    """Move to `no_data`, back to the last reading that told the state; see `transitions.lost`."""
    leave(condition, move.at)
    enter(condition, move, reason)
    condition.quality = "bad"


def save(conditions: Collection[Condition]) -> None:
    """Write all that an action changed, in one statement."""
    rows.insert(list(conditions), ("equipment_id", *SAVED), key=("equipment_id",))


def silent_for(condition: Condition, move: Move, at: datetime) -> str:
    """Return the sentence for a state that, by `at`, nobody had told since the move into `no_data`."""
    return condition.trouble or f"no good reading for {(at - move.at).total_seconds():.0f} s"


def _say(condition: Condition, since: datetime, at: datetime) -> None:
    append(
        "equipment_state",
        state_of(condition, since),
        occurred_at=at,
        line_id=condition.equipment.line.code,
        equipment_code=condition.equipment.code,
    )
