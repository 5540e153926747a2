"""Nothing is known any more: the state ends at the last reading that told it, and `no_data` begins there."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models import Min, Q

from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import faults, states
from production.actions.lines import locked, per_line
from production.choices import State
from production.models import Condition, Counter, Equipment
from production.transitions import Present, gap, is_ahead, is_silent, lost

log = logging.getLogger(__name__)


def lose(
    equipment_ids: Sequence[int], reason: str, now: datetime, *, for_good: bool = False
) -> int:
    """Say that nothing is known of these equipment, and why; return how many states that changed.

    Idempotent: one that is in `no_data` already only takes the reason over, if it is another one. One
    that was read after `now` is left alone. `reason` is a sentence that stays the same while it is so. What is
    lost for good has no open fault any more, since nobody would ever clear it, and no counter: people enter its
    pieces now.
    """
    act = partial(_lose, reason=reason, now=now, for_good=for_good)
    return per_line(equipment_ids, lambda pk: pk, act)


@retried
def _lose(equipment_ids: Sequence[int], *, reason: str, now: datetime, for_good: bool) -> int:
    moves = 0
    with recording():
        conditions = locked(equipment_ids)
        for condition in conditions.values():
            if condition.state == State.NO_DATA:
                states.explain(condition, reason, now)
                condition.quality = "bad"
            elif condition.state_read_at is not None and condition.state_read_at <= now:
                move = lost(states.present(condition), condition.state_read_at)
                states.forget(condition, move, reason)
                moves += 1
        if for_good:
            for pk, known in faults.open_faults(conditions).items():
                faults.follow(conditions[pk], known, (), now, is_running=False)
            Counter.objects.filter(equipment__in=conditions).delete()
        states.save(conditions.values())
    return moves


def silence(now: datetime) -> int:
    """Lose every equipment whose state was told too long before `now`; return how many.

    So is one that was told well after `now`: our clock was ahead, and has been set back. What was written by
    it stands. From its last reading on it is `no_data`, until the clock has passed that moment and readings
    are newer again; counters then go on from where they stood. So the spans neither overlap nor leave a hole,
    and nothing is taken away or made up.
    """
    # Most were told a moment ago: only what the shortest patience or a clock set back may concern is read.
    shortest = Equipment.objects.aggregate(least=Min("no_data_after_s"))["least"]
    if shortest is None:
        return 0
    told = Q(state_read_at__lt=now - timedelta(seconds=shortest)) | Q(state_read_at__gt=now)
    known = Condition.objects.exclude(state=State.NO_DATA).filter(told)
    known = known.select_related("equipment")
    late = [
        condition.pk
        for condition in known
        if _is_lost(states.present(condition), now, states.no_data_after(condition))
    ]
    return per_line(late, lambda pk: pk, partial(_silence, now=now)) if late else 0


@retried
def _silence(equipment_ids: Sequence[int], *, now: datetime) -> int:
    late = []
    with recording():
        for condition in locked(equipment_ids).values():
            # Asked again: a reading may have come between the look and the lock.
            present, longest = states.present(condition), states.no_data_after(condition)
            if move := gap(present, now, longest):
                states.forget(condition, move, states.silent_for(condition, move, now))
                late.append(condition)
            elif _is_lost(present, now, longest) and present.read_at is not None:
                reason = f"our clock was set back; readings count again after {_utc(present.read_at)}"
                log.warning(
                    "readings lie ahead of the clock: it was set back",
                    extra={
                        "equipment": condition.equipment.code,
                        "read_at": present.read_at.isoformat(),
                        "now": now.isoformat(),
                    },
                )
                states.forget(condition, lost(present, present.read_at), reason)
                late.append(condition)
        states.save(late)
    return len(late)


def _is_lost(present: Present, now: datetime, longest: timedelta) -> bool:
    is_known = present.state != State.NO_DATA
    return is_silent(present, now, longest) or (is_known and is_ahead(present.read_at, now))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
