"""What people and rules do to a call: each move one transaction, guarded, idempotent, audited, with its fact.

`at` is a time of the engine's clock (andon.clock.now), as all times of a call are.
"""

from datetime import datetime

from django.db import IntegrityError

from andon.actions import schedule
from andon.actions.guards import (
    demand_answerer,
    demand_caller,
    demand_move,
    demand_own,
    demand_voice,
    is_answered,
)
from andon.actions.rows import held, note, open_call, write
from andon.choices import CallStatus, CallVerb, Category, EscalationStatus, Priority
from andon.ladders import ladder_for
from andon.models import AndonCall, CallEvent, Rule
from andon.public import Happened
from andon.transitions import Move
from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.calendars import calendar_of
from production.choices import JobStatus
from production.models import Downtime, Equipment, Line, QualityAlert
from production.refusals import ActionRefused
from production.shifts import shift_at

RANK = {priority.value: rank for rank, priority in enumerate(Priority)}
LONGEST = 500
_TRIES = 3
BACK_TO_NORMAL = "It was over by itself."


@retried
def raise_call(
    line: Line,
    *,
    category: str,
    priority: str,
    description: str = "",
    at: datetime,
    actor: User | None = None,
    equipment: Equipment | None = None,
    rule: Rule | None = None,
    downtime: Downtime | None = None,
    quality_alert: QualityAlert | None = None,
    first_level: int = 1,
) -> AndonCall:
    """Call for help and return the call: a new one with its schedule, or the open one, raised again.

    A repeat counts. One of a higher priority raises the call's, which climbs anew by the policy of that
    priority; a lower one changes nothing else. Raises NotAllowed, and ActionRefused for what is no call.
    """
    if actor is not None:
        demand_caller(actor, line)
    _demand_possible(line, category, priority, equipment)
    description = _text(description) or Category(category).label
    with recording():
        tries = _TRIES
        while True:
            if call := open_call(line, equipment, category):
                return _repeat(call, priority, description, actor, at)
            new = AndonCall(
                line=line,
                equipment=equipment,
                category=category,
                priority=priority,
                description=description,
                raised_by=actor,
                rule=rule,
                raised_at=at,
                last_raised_at=at,
                downtime=downtime,
                quality_alert=quality_alert,
                job=line.jobs.filter(status=JobStatus.RUNNING).first(),
            )
            try:
                with recording():
                    return _open(new, actor, at, first_level)
            except IntegrityError:
                # Somebody raised the same at this moment: the database lets one of them stand.
                tries -= 1
                if not tries:
                    raise


def _open(call: AndonCall, actor: User | None, at: datetime, first_level: int) -> AndonCall:
    ladder = ladder_for(call.line, call.category, call.priority)
    call.acknowledge_due_at = schedule.after(at, ladder.acknowledge_within_s)
    if shift := shift_at(calendar_of(call.line), at):
        call.shift, call.shift_day = shift.name[:60], shift.day
    call.save()
    schedule.begin(call, ladder, at, first_level)
    note(call, CallVerb.RAISE, actor, at, call.description)
    _audit(call, "raise", actor)
    schedule.say_call(call, at)
    return call


def _repeat(
    call: AndonCall, priority: str, description: str, actor: User | None, at: datetime
) -> AndonCall:
    before = audit.public_fields(call)
    call.occurrences += 1
    call.last_raised_at = max(at, call.last_raised_at)
    was_normal, call.normal_at = call.normal_at is not None, None
    ladder = None
    if RANK[priority] > RANK[call.priority]:
        call.priority = priority
        call.shelved_until = None
        ladder = ladder_for(call.line, call.category, priority)
    happened: Happened | None = None
    if ladder is not None or was_normal:
        if call.status == CallStatus.OPEN:
            schedule.restart(call, at, ladder)
            within_s = schedule.ladder_of(call).acknowledge_within_s
            call.acknowledge_due_at = schedule.after(at, within_s)
            happened = "resumed"
        elif call.escalation.status == EscalationStatus.OPEN:
            schedule.restart(call, at, ladder)
            happened = "resumed"
        else:
            call.resolve_due_at = schedule.answer_anew(call, at, ladder)
            happened = "acknowledged"
    note(call, CallVerb.REPEAT, actor, at, description)
    write(call, "repeat", before, actor, at)
    if happened is not None:
        schedule.say(call, happened, at)
    return call


@retried
def acknowledge(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None, text: str = ""
) -> AndonCall:
    """Say that somebody comes, and return the call: the first clock stops, the second starts.

    One that is over by itself is resolved with that. One that climbs again, since it was not resolved in
    time, is answered anew; who answered first stays in its row. Raises NotAllowed, and ActionRefused with
    the call where another was first.
    """
    with recording():
        call = held(call)
        demand_answerer(actor, call)
        if call.acknowledged_by_id == actor.pk and is_answered(call) and not call.ended_at:
            return call
        demand_move(call, Move.ACKNOWLEDGE, version)
        before = audit.public_fields(call)
        _answer(call, actor, at)
        if call.status == CallStatus.OPEN:
            call.status = CallStatus.ACKNOWLEDGED
        note(call, CallVerb.ACKNOWLEDGE, actor, at, _text(text))
        if call.normal_at is not None:
            call.resolution = BACK_TO_NORMAL
            _end(call, CallStatus.RESOLVED, actor, at)
        write(call, "acknowledge", before, actor, at)
        schedule.say(call, "closed" if call.ended_at else "acknowledged", at)
    return call


@retried
def arrive(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None, text: str = ""
) -> AndonCall:
    """Say that somebody is there, and return the call; that answers it too, if nobody had."""
    with recording():
        call = held(call)
        demand_answerer(actor, call)
        if call.status == CallStatus.ARRIVED and call.arrived_by_id == actor.pk:
            return call
        demand_move(call, Move.ARRIVE, version)
        before = audit.public_fields(call)
        is_answer = not is_answered(call)
        if is_answer:
            _answer(call, actor, at)
        call.status = CallStatus.ARRIVED
        call.arrived_by, call.arrived_at = actor, at
        note(call, CallVerb.ARRIVE, actor, at, _text(text))
        write(call, "arrive", before, actor, at)
        if is_answer:
            schedule.say(call, "acknowledged", at)
    return call


@retried
def resolve(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None, text: str = ""
) -> AndonCall:
    """Say that it is done, and what was, and return the call; nothing of its schedule happens any more."""
    with recording():
        call = held(call)
        demand_answerer(actor, call)
        if call.status == CallStatus.RESOLVED and call.resolved_by_id == actor.pk:
            return call
        demand_move(call, Move.RESOLVE, version)
        before = audit.public_fields(call)
        call.resolution = _text(text)
        if call.acknowledged_at is None:
            call.acknowledged_by, call.acknowledged_at = actor, at
        _end(call, CallStatus.RESOLVED, actor, at)
        note(call, CallVerb.RESOLVE, actor, at, call.resolution)
        write(call, "resolve", before, actor, at)
        schedule.say(call, "closed", at)
    return call


@retried
def cancel(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None, text: str = ""
) -> AndonCall:
    """Call the own call off, and return it."""
    with recording():
        call = held(call)
        demand_own(actor, call)
        if call.status == CallStatus.CANCELLED:
            return call
        demand_move(call, Move.CANCEL, version)
        before = audit.public_fields(call)
        _end(call, CallStatus.CANCELLED, actor, at)
        note(call, CallVerb.CANCEL, actor, at, _text(text))
        write(call, "cancel", before, actor, at)
        schedule.say(call, "closed", at)
    return call


@retried
def comment(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None, text: str
) -> AndonCall:
    """Say something about a call, over or not, and return it. Not idempotent by itself."""
    with recording():
        call = held(call)
        demand_voice(actor, call)
        demand_move(call, Move.COMMENT, version)
        if not text.strip():
            raise ActionRefused("text_missing", "Say something.")
        row: CallEvent = note(call, CallVerb.COMMENT, actor, at, _text(text))
        audit.record(
            actor,
            "andoncall.comment",
            call,
            after={"text": row.text},
            line_id=call.line.code,
        )
    return call


def _answer(call: AndonCall, actor: User, at: datetime) -> None:
    if call.acknowledged_at is None:
        call.acknowledged_by, call.acknowledged_at = actor, at
    call.shelved_until = None
    call.resolve_due_at = schedule.answer(call, at)


def _end(call: AndonCall, status: CallStatus, actor: User, at: datetime) -> None:
    call.status = status
    call.ended_at = at
    call.shelved_until = None
    if status == CallStatus.RESOLVED:
        call.resolved_by, call.resolved_at = actor, at
    else:
        call.cancelled_by, call.cancelled_at = actor, at
    schedule.close(call, at)


def _audit(call: AndonCall, verb: str, actor: User | None) -> None:
    if actor is not None:
        after = audit.public_fields(call)
        audit.record(actor, f"andoncall.{verb}", call, after=after, line_id=call.line.code)


def _text(text: str) -> str:
    """Return what was said; raise ActionRefused where it is longer than a call holds."""
    text = text.strip()
    if len(text) > LONGEST:
        raise ActionRefused("too_long", f"A text has at most {LONGEST} characters.")
    return text


def _demand_possible(
    line: Line, category: str, priority: str, equipment: Equipment | None
) -> None:
    if category not in Category.values or priority not in Priority.values:
        raise ActionRefused("impossible", "There is no such category or priority.")
    if equipment is not None and equipment.line_id != line.pk:
        raise ActionRefused("other_line", f"{equipment} is of another line than {line}.")
