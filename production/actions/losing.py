"""Nothing is known any more: the state ends at the last reading that told it, and `no_data` begins there."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import states
from production.actions.lines import locked, per_line
from production.choices import State
from production.models import Condition
from production.transitions import Move, gap, is_silent


def lose(equipment_ids: Sequence[int], reason: str, now: datetime) -> int:
    """Say that nothing is known of these equipment, and why; return how many states that changed.

    Idempotent: one that is in `no_data` already only takes the reason over, if it is another one. One
    that was read after `now` is left alone. `reason` is a sentence that stays the same while it is so.
    """
    return per_line(equipment_ids, lambda pk: pk, partial(_lose, reason=reason, now=now))


@retried
def _lose(equipment_ids: Sequence[int], *, reason: str, now: datetime) -> int:
    lost = 0
    with recording():
        conditions = locked(equipment_ids)
        for condition in conditions.values():
            if condition.state == State.NO_DATA:
                states.explain(condition, reason, now)
                condition.quality = "bad"
            elif condition.state_read_at is not None and condition.state_read_at <= now:
                states.forget(condition, Move(State.NO_DATA, condition.state_read_at), reason)
                lost += 1
        states.save(conditions.values())
    return lost


def silence(now: datetime) -> int:
    """Lose every equipment whose state was told too long before `now`; return how many."""
    known = Condition.objects.exclude(state=State.NO_DATA).select_related("equipment")
    late = [
        condition.pk
        for condition in known
        if is_silent(states.present(condition), now, states.no_data_after(condition))
    ]
    return per_line(late, lambda pk: pk, partial(_silence, now=now)) if late else 0


@retried
def _silence(equipment_ids: Sequence[int], *, now: datetime) -> int:
    late = []
    with recording():
        for condition in locked(equipment_ids).values():
            # Asked again: a reading may have come between the look and the lock.
            if move := gap(states.present(condition), now, states.no_data_after(condition)):
                states.forget(condition, move, states.silent_for(condition, move, now))
                late.append(condition)
        states.save(late)
    return len(late)
