"""Observations become states, counts, faults and context, with the facts about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.db import connection

from ms5.events.log import recording
from ms5.events.retry import retried
from ms5.rows import marks
from production.actions import faults, states
from production.actions.context import contexts, follow_product
from production.actions.counts import Ledger
from production.actions.lines import locked, some_lines
from production.actions.work import LineWork
from production.choices import State
from production.models import Condition, Context, Fault
from production.observation import Observation
from production.transitions import change, gap

LINES_AT_ONCE = 20
"""What they have in common is read and written once, and committed once; an operator waits for them at most
some hundredths of a second."""

_LINES = """
SELECT id, line_id, is_constraint FROM production_equipment
WHERE line_id IN (SELECT line_id FROM production_equipment WHERE id IN ({seen}))
"""
# What a fault explains. An idle machine or one in set-up has another reason to stand.
EXPLAINED_BY_FAULTS = frozenset({State.FAULTED, State.STOPPED, State.STARVED, State.BLOCKED})


def observe(observations: Sequence[Observation]) -> int:
    """Take over what was seen; return the number of state changes.

    Some lines are one transaction, with their facts; where it fails each is one by itself. Idempotent: an
    observation that is not newer than the last good one of its equipment is ignored. A bad one moves nothing,
    but may be the one by which it shows that the state was not told for too long. One whose source's clock
    is ahead is a bad one.

    Raises what `some_lines` raises.
    """
    return some_lines(
        observations, lambda seen: seen.equipment_id, _observe, at_once=LINES_AT_ONCE
    )


@retried
def _observe(observations: Sequence[Observation]) -> int:
    moves = 0
    observations = [seen.believed() for seen in observations]
    with recording():
        floor = _Floor.under_lock(observations)
        for seen in sorted(observations, key=lambda each: each.source_at):
            condition = floor.conditions[seen.equipment_id]
            if condition.last_good_at is not None and seen.source_at <= condition.last_good_at:
                continue
            moves += floor.take(condition, seen) if seen.is_good else _distrust(condition, seen)
        floor.ledger.write()
        states.save(floor.conditions.values())
        LineWork.save(floor.work.values())
    return moves


def _distrust(condition: Condition, seen: Observation) -> int:
    """Note why nothing is known by a bad observation, and that the state was not told for too long."""
    condition.quality = seen.quality
    condition.trouble = seen.reason[: states.LONGEST_REASON]
    if move := gap(states.present(condition), seen.source_at, states.no_data_after(condition)):
        states.forget(condition, move, states.silent_for(condition, move, seen.source_at))
        return 1
    if condition.state == State.NO_DATA and seen.reason:
        states.explain(condition, seen.reason, seen.source_at)
    return 0


def _turned_by(good: Sequence[Observation]) -> set[int]:
    """Return the equipment whose time a changeover changes that these observations may move.

    That is a whole line, if its constraint was seen. It is locked before anything else: who comes to it
    only when a changeover begins holds the job by then, for which another observer of the line may wait.
    """
    if not good:
        return set()
    seen = {each.equipment_id for each in good}
    with connection.cursor() as cursor:
        cursor.execute(_LINES.format(seen=marks(seen)), list(seen))
        beside = cursor.fetchall()
    turned = {line for pk, line, is_constraint in beside if is_constraint and pk in seen}
    return {pk for pk, line, _ in beside if line in turned}


@dataclass(slots=True)
class _Floor:
    """What observations are judged by: rows under lock, brought up to date one by one."""

    conditions: dict[int, Condition]
    contexts: dict[int, Context]
    ledger: Ledger
    faults: dict[int, dict[str, Fault]]
    work: dict[int, LineWork]
    """By line."""

    @classmethod
    def under_lock(cls, observations: Sequence[Observation]) -> Self:
        good = [seen for seen in observations if seen.is_good]
        own = {seen.equipment_id for seen in observations}
        held = locked(own | _turned_by(good))
        conditions = {pk: held[pk] for pk in held if pk in own}
        return cls(
            conditions=conditions,
            contexts=contexts({seen.equipment_id for seen in good}),
            ledger=Ledger.of(
                {seen.equipment_id for seen in good if seen.counters or seen.counts is not None}
            ),
            faults=faults.open_faults(
                {seen.equipment_id for seen in good if seen.faults is not None}
            ),
            work=LineWork.under_lock(
                conditions.values(), {seen.equipment_id for seen in good if seen.counters}
            ),
        )

    def take(self, condition: Condition, seen: Observation) -> int:
        """Take over a good observation, newer than what is known; return the state changes."""
        at, longest = seen.source_at, states.no_data_after(condition)
        held_from = seen.held_from or at
        moves = 0
        if lost := gap(states.present(condition), held_from, longest):
            states.forget(condition, lost, states.silent_for(condition, lost, held_from))
            moves += 1
        context = self.contexts[condition.pk]
        work = self.work[condition.equipment.line_id]
        counted = self.ledger.read(
            condition,
            seen,
            context.product_id,
            work.job_at(at) if condition.equipment.is_constraint else None,
            is_known=condition.state != State.NO_DATA,
            longest=longest,
        )
        before = context.product
        follow_product(condition, context, seen.product_number, at)
        work.follow(condition, seen, counted, before, context.product)
        moves += self._move(condition, seen)
        condition.quality = seen.quality
        condition.trouble = ""
        condition.last_good_at = at
        if seen.state is not None:
            condition.state_read_at = at
        if seen.state is not None or seen.speed is not None:
            condition.speed = seen.speed
        return moves

    def _move(self, condition: Condition, seen: Observation) -> int:
        """Let the state and the faults follow; the state's fact comes last, since a fault may explain it."""
        # What a history says held before was so from then on; what is seen now is so from now on.
        at = max(seen.held_from or seen.source_at, condition.state_read_at or seen.source_at)
        # A state that was lost in the instant in which it was told has begun after that reading.
        at = min(max(at, condition.since or at), seen.source_at)
        move = change(condition.state, seen.state, at, has_begun=condition.since is not None)
        if move:
            states.leave(condition, at)
        state = move.state if move else condition.state
        has_first_out = seen.faults is not None and faults.follow(
            condition,
            self.faults[condition.pk],
            seen.faults,
            at,
            is_running=state == State.RUNNING,
        )
        if state not in EXPLAINED_BY_FAULTS:
            reason = condition.reason if seen.state is None and not move else seen.reason
        elif move or has_first_out:
            reason = faults.first_out(condition) or seen.reason
        else:
            reason = condition.reason
        if move:
            states.enter(condition, move, reason)
            return 1
        states.explain(condition, reason, at)
        return 0
