"""The rows of an escalation, under the lock of its call: begun, answered, at rest, closed, and told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from andon.choices import EscalationStatus, StepKind, StepState
from andon.escalation import Ladder, Outcome, Present, Step, anew, climb, second_clock, thawed
from andon.models import AndonCall, Escalation, EscalationStep
from andon.public import NOBODY, Happened, Told, call_of, escalation_of, next_step
from ms5.events.log import append


def begin(call: AndonCall, ladder: Ladder, at: datetime, first: int = 1) -> None:
    """Write the schedule of a call that was raised at `at`, from the level `first` on."""
    escalation = Escalation.objects.create(call=call, policy=ladder.frozen())
    call.escalation = escalation
    _plan(escalation, climb(ladder, 1, first, at))


def restart(call: AndonCall, at: datetime, ladder: Ladder | None = None) -> None:
    """Begin it anew, on the level that was reached; by another policy where one is given."""
    escalation = call.escalation
    if ladder is not None:
        escalation.policy = ladder.frozen()
    _cancel(escalation)
    present = anew(present_of(escalation))
    stand(escalation, present)
    escalation.closed_at = None
    escalation.save()
    _plan(escalation, climb(thawed(escalation.policy), present.gen, max(present.level, 1), at))


def answer(call: AndonCall, at: datetime) -> datetime:
    """Stop the first clock and start the second; return when it must be resolved."""
    escalation = call.escalation
    _cancel(escalation)
    escalation.status = EscalationStatus.ACKNOWLEDGED
    escalation.acknowledged_at = at
    escalation.closed_at = None
    escalation.save()
    step = second_clock(thawed(escalation.policy), present_of(escalation), at)
    _plan(escalation, [step])
    return step.due_at


def answer_anew(call: AndonCall, at: datetime, ladder: Ladder | None = None) -> datetime:
    """Start the second clock again for a call that somebody has answered; return when it ends."""
    escalation = call.escalation
    if ladder is not None:
        escalation.policy = ladder.frozen()
    stand(escalation, anew(present_of(escalation)))
    return answer(call, at)


def rest(call: AndonCall, until: datetime) -> None:
    """Let it do nothing until then, when it begins anew."""
    escalation = call.escalation
    _cancel(escalation)
    stand(escalation, anew(present_of(escalation)))
    escalation.save()
    _plan(escalation, [Step(escalation.gen, StepKind.SHELF_END, escalation.level, 0, until)])


def close(call: AndonCall, at: datetime) -> None:
    """End it: nothing of it is pending any more."""
    escalation = call.escalation
    _cancel(escalation)
    escalation.status = EscalationStatus.CLOSED
    escalation.closed_at = at
    escalation.save()


def take(
    call: AndonCall,
    outcome: Outcome,
    rows: dict[tuple[int, str, int, int], EscalationStep],
    now: datetime,
    note: str,
) -> list[EscalationStep]:
    """Write what a sweep came to and return the rows of the steps that fired; `rows` are the pending by key."""
    escalation = call.escalation
    for row in _plan(escalation, outcome.planned):
        rows[key_of(row)] = row
    fired = []
    for each in outcome.fired:
        row = rows[each.step.key]
        row.state, row.fired_at = StepState.FIRED, now
        row.late_ms = each.late // timedelta(milliseconds=1)
        row.clock_note = note
        fired.append(row)
    gone = []
    for state, steps in (
        (StepState.COLLAPSED, outcome.collapsed),
        (StepState.CANCELLED, outcome.cancelled),
    ):
        for step in steps:
            row = rows[step.key]
            row.state = state
            gone.append(row)
    fields = ["state", "fired_at", "late_ms", "clock_note"]
    EscalationStep.objects.bulk_update([*fired, *gone], fields)
    stand(escalation, outcome.present)
    escalation.save()
    return fired


def pending_of(escalation: Escalation) -> list[EscalationStep]:
    """Return what is still to come, under the lock of the call."""
    rows = EscalationStep.objects.filter(escalation=escalation, state=StepState.PENDING)
    return list(rows.order_by("due_at", "level", "pk"))


def step_of(row: EscalationStep) -> Step:
    """Return the row as the arithmetic knows it."""
    return Step(row.gen, StepKind(row.kind), row.level, row.n, row.due_at)


def key_of(row: EscalationStep) -> tuple[int, str, int, int]:
    """Return what names the step within its escalation."""
    return step_of(row).key


def present_of(escalation: Escalation) -> Present:
    """Return where it stands."""
    status = EscalationStatus(escalation.status)
    return Present(escalation.gen, escalation.level, status, escalation.reminders)


def say_call(call: AndonCall, at: datetime) -> None:
    """Say the call as it is now."""
    append(
        "andon_event",
        call_of(call),
        occurred_at=at,
        line_id=call.line.code,
        equipment_code=call.equipment.code if call.equipment else None,
    )


def say(call: AndonCall, happened: Happened, at: datetime) -> None:
    """Say what its escalation has done, and keep that for snapshots."""
    say_next(call, happened, at, upcoming=next_step(call.escalation))


def say_next(
    call: AndonCall,
    happened: Happened,
    at: datetime,
    *,
    upcoming: Step | EscalationStep | None,
    told: Told = NOBODY,
    due_at: datetime | None = None,
    late: timedelta = timedelta(),
) -> None:
    """As `say`, where the caller knows what comes next, and whom this has told."""
    escalation = call.escalation
    data = escalation_of(call, happened, upcoming=upcoming, told=told, due_at=due_at, late=late)
    escalation.said = msgspec.to_builtins(data)
    escalation.save(update_fields=["said"])
    append(
        "escalation_update",
        data,
        occurred_at=at,
        line_id=call.line.code,
        equipment_code=call.equipment.code if call.equipment else None,
    )


def stand(escalation: Escalation, present: Present) -> None:
    """Let the row stand where the arithmetic says; the caller saves it."""
    escalation.gen, escalation.level = present.gen, present.level
    escalation.status, escalation.reminders = present.status, present.reminders


def _plan(escalation: Escalation, steps: Sequence[Step]) -> list[EscalationStep]:
    return EscalationStep.objects.bulk_create(
        EscalationStep(
            escalation=escalation,
            gen=step.gen,
            kind=step.kind,
            level=step.level,
            n=step.n,
            due_at=step.due_at,
        )
        for step in steps
    )


def _cancel(escalation: Escalation) -> None:
    pending = EscalationStep.objects.filter(escalation=escalation, state=StepState.PENDING)
    pending.update(state=StepState.CANCELLED)


def ladder_of(call: AndonCall) -> Ladder:
    """Return the policy that is frozen into the call."""
    return thawed(call.escalation.policy)


def after(at: datetime, seconds: int) -> datetime:
    """Return the moment so many seconds later."""
    return at + timedelta(seconds=seconds)
