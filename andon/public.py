"""The public form of calls and escalations: what a fact says of one is what a snapshot says."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, cast

import msgspec

from andon.choices import EscalationStatus, StepKind, StepState
from andon.escalation import Step
from andon.models import AndonCall, Escalation, EscalationStep
from ms5.accounts.models import User
from ms5.events import facts
from ms5.events.facts.andon import Category
from ms5.events.facts.base import Priority
from ms5.events.items import Item
from production.models import Line

Happened = Literal[
    "level", "reminder", "resolve_due", "acknowledged", "shelved", "resumed", "closed"
]
Next = Literal["level", "reminder", "resolve_due", "shelf_end"]
Status = Literal["open", "acknowledged", "arrived", "resolved", "cancelled"]
LONGEST_NAME, LONGEST_SENTENCE = 100, 500
MOST_NAMES, MOST_IDS = 12, 200


@dataclass(frozen=True, slots=True)
class Told:
    """Whom an event of an escalation told: the users, and the level's recipients as people read them."""

    ids: Sequence[int] = field(default=())
    names: Sequence[str] = field(default=())


NOBODY = Told()


def call_of(call: AndonCall) -> facts.AndonCall:
    """Return the whole public state of a call."""
    escalation = escalation_row(call)
    return facts.AndonCall(
        id=call.pk,
        equipment_code=call.equipment.code if call.equipment else None,
        category=cast(Category, str(call.category)),
        priority=cast(Priority, str(call.priority)),
        description=call.description,
        status=cast(Status, str(call.status)),
        raised_by=name_of(call.raised_by),
        raised_by_id=call.raised_by_id,
        rule=call.rule.name if call.rule else None,
        raised_at=call.raised_at,
        occurrences=call.occurrences,
        last_raised_at=call.last_raised_at,
        acknowledged_by=name_of(call.acknowledged_by),
        acknowledged_at=call.acknowledged_at,
        arrived_by=name_of(call.arrived_by),
        arrived_at=call.arrived_at,
        resolved_by=name_of(call.resolved_by),
        resolved_at=call.resolved_at,
        resolution=call.resolution or None,
        cancelled_by=name_of(call.cancelled_by),
        cancelled_at=call.cancelled_at,
        ended_at=call.ended_at,
        acknowledge_due_at=call.acknowledge_due_at,
        resolve_due_at=call.resolve_due_at,
        escalation_id=escalation.pk if escalation else None,
        escalation_level=escalation.level if escalation else 0,
        downtime_id=call.downtime_id,
        quality_alert_id=call.quality_alert_id,
        job_id=call.job_id,
        version=call.version,
        normal_at=call.normal_at,
        shelved_until=call.shelved_until,
        shelved_by=name_of(call.shelved_by),
        shelf_reason=call.shelf_reason or None,
    )


def escalation_of(
    call: AndonCall,
    happened: Happened,
    *,
    upcoming: Step | EscalationStep | None,
    told: Told = NOBODY,
    due_at: datetime | None = None,
    late: timedelta = timedelta(),
) -> facts.Escalation:
    """Return what an escalation has done, with its whole public state; `upcoming` is its next step."""
    escalation = call.escalation
    return facts.Escalation(
        id=escalation.pk,
        andon_id=call.pk,
        line=call.line.name[:LONGEST_NAME],
        equipment_code=call.equipment.code if call.equipment else None,
        category=cast(Category, str(call.category)),
        priority=cast(Priority, str(call.priority)),
        description=call.description,
        happened=happened,
        level=escalation.level,
        levels=len(escalation.policy["levels"]),
        reminders=escalation.reminders,
        recipient_ids=list(told.ids[:MOST_IDS]),
        recipients=[name[:LONGEST_NAME] for name in told.names[:MOST_NAMES]],
        due_at=due_at,
        late_ms=max(0, late // timedelta(milliseconds=1)),
        next=cast(Next, str(StepKind(upcoming.kind))) if upcoming else None,
        next_due_at=upcoming.due_at if upcoming else None,
        raised_at=call.raised_at,
        acknowledged_at=escalation.acknowledged_at,
        closed_at=escalation.closed_at,
    )


def newest(escalation: Escalation) -> facts.Escalation:
    """Return what its newest fact said."""
    return msgspec.convert(escalation.said, facts.Escalation)


def escalation_row(call: AndonCall) -> Escalation | None:
    """Return the escalation of a call; None only while the call is being written."""
    return getattr(call, "escalation", None)


def next_step(escalation: Escalation) -> EscalationStep | None:
    """Return what an escalation will do next if nobody does anything."""
    pending = EscalationStep.objects.filter(escalation=escalation, state=StepState.PENDING)
    return pending.order_by("due_at", "kind", "level").first()


def name_of(user: User | None) -> str | None:
    """Return what people call the user, cut to what a fact holds."""
    return None if user is None else str(user)[:LONGEST_NAME]


def open_items(lines: Collection[Line]) -> list[Item]:
    """Return the calls of the lines that are not over, oldest first."""
    rows = AndonCall.objects.open().filter(line__in=lines).whole().order_by("pk")
    return [_item(row, "andon_event", call_of(row)) for row in rows]


def open_escalations(lines: Collection[Line]) -> list[Item]:
    """Return the escalations of the lines that are not closed, as their newest facts tell them."""
    rows = (
        AndonCall.objects.filter(line__in=lines)
        .exclude(escalation__status=EscalationStatus.CLOSED)
        .exclude(escalation__said={})  # it has said nothing so far
        .whole()
        .order_by("escalation__pk")
    )
    return [_item(row, "escalation_update", newest(row.escalation)) for row in rows]


def _item(call: AndonCall, type_: str, data: facts.AndonCall | facts.Escalation) -> Item:
    return Item(
        type=type_,
        line_id=call.line.code,
        equipment_code=call.equipment.code if call.equipment else None,
        data=data,
    )
