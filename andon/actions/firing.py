"""What is due of one call takes effect: its steps, its facts and its deliveries in one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection

from andon.actions import schedule
from andon.actions.rows import loaded
from andon.actions.telling import Teller
from andon.choices import StepKind
from andon.escalation import Fired, Ladder, Outcome, Present, Step, advance, next_due
from andon.models import AndonCall, EscalationStep
from andon.public import Happened, Told
from ms5.events.log import recording
from ms5.events.retry import retried

Arithmetic = Callable[[Ladder, Present, Sequence[Step], datetime], Outcome]


@retried
def fire(call_id: int, now: datetime, note: str = "", arithmetic: Arithmetic = advance) -> int:
    """Let what is due of a call by `now` take effect, and return how many steps did.

    Idempotent, and safe at once: who finds the call held by another leaves it to them. `note` says what the
    clock did. A crash before the commit leaves everything as it was, to be found by the next sweep.
    """
    with recording():
        skips = connection.features.has_select_for_update_skip_locked
        free = AndonCall.objects.select_for_update(skip_locked=skips).filter(pk=call_id)
        if free.only("pk").first() is None:
            return 0
        call = loaded(call_id)
        ladder = schedule.ladder_of(call)
        rows = {schedule.key_of(row): row for row in schedule.pending_of(call.escalation)}
        present = schedule.present_of(call.escalation)
        steps = [schedule.step_of(row) for row in rows.values()]
        outcome = arithmetic(ladder, present, steps, now)
        if not outcome.fired and not outcome.collapsed:
            return 0
        taken = schedule.take(call, outcome, rows, now, note)
        teller = Teller(call, ladder, now, next_due(outcome.pending))
        for fired, row in zip(outcome.fired, taken, strict=True):
            schedule.stand(call.escalation, fired.present)
            _effect(call, fired, row, teller, now)
        if outcome.present.level != present.level:
            schedule.say_call(call, now)
    return len(outcome.fired)


def _effect(
    call: AndonCall, fired: Fired, row: EscalationStep, teller: Teller, now: datetime
) -> None:
    step = fired.step
    told = Told()
    happened: Happened
    match step.kind:
        case StepKind.LEVEL:
            happened, told = "level", teller.tell(row, fired)
        case StepKind.REMINDER:
            happened, told = "reminder", teller.tell(row, fired)
        case StepKind.RESOLVE_DUE:
            happened = "resolve_due"
        case StepKind.SHELF_END:
            happened = "resumed"
            call.shelved_until = None
            within = timedelta(seconds=teller.ladder.acknowledge_within_s)
            call.acknowledge_due_at = step.due_at + within
            call.save()
            schedule.say_call(call, now)
    schedule.say_next(
        call,
        happened,
        now,
        upcoming=teller.upcoming,
        told=told,
        due_at=step.due_at,
        late=fired.late,
    )
