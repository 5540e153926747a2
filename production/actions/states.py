"""The state of an equipment: its spans, its condition and the fact about it, moved together.

The caller holds the lock on the condition, and saves it when it is done with it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

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


def present(condition: Condition) -> Present:
    """Return what the pure rules need to know of it."""
    return Present(condition.state, condition.state_read_at, condition.since)


def no_data_after(condition: Condition) -> timedelta:
    """Return how long its state may go untold."""
    return timedelta(seconds=condition.equipment.no_data_after_s)


def leave(condition: Condition, at: datetime) -> None:
    """End the present span at `at`. One that began there was never stayed in, and goes."""
    lasting = Span.objects.open().filter(equipment=condition.equipment_id)
    if condition.since is not None and condition.since < at:
        lasting.update(ended_at=at)
    else:
        lasting.delete()


def enter(condition: Condition, move: Move, reason: str) -> None:
    """Begin the state at the end of the span that `leave` ended, and say so."""
    stopping.follow(condition, move)
    condition.previous = condition.state if condition.since is not None else ""
    condition.state = move.state
    condition.since = move.at
    condition.reason = reason[:LONGEST_REASON]
    if move.state == State.NO_DATA:
        condition.speed = None
    Span.objects.create(
        equipment=condition.equipment,
        state=move.state,
        started_at=move.at,
        reason=condition.reason,
    )
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
    Condition.objects.bulk_create(
        conditions, update_conflicts=True, unique_fields=["equipment"], update_fields=SAVED
    )


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
