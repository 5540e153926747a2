"""A call for help, and the escalation that sees to it that somebody comes."""

from typing import Annotated, Literal

from msgspec import Meta

from ms5.events.facts.base import (
    Code,
    Data,
    EventType,
    Id,
    Kind,
    Moment,
    Name,
    Number,
    Priority,
    Sentence,
)

Category = Literal["stop", "quality", "maintenance", "material", "safety"]


class AndonCall(Data, frozen=True, kw_only=True):
    """A call: who raised it and when each step was taken, and by whom. A step not taken is null."""

    id: Id
    equipment_code: Code | None
    category: Category
    priority: Priority
    description: Sentence
    status: Literal["open", "acknowledged", "arrived", "resolved", "cancelled"]
    raised_by: Annotated[Name | None, Meta(description="Null where a rule raised it.")]
    raised_by_id: Id | None
    rule: Annotated[Name | None, Meta(description="The rule that raised it; null: a person.")]
    raised_at: Moment
    occurrences: Annotated[
        int, Meta(ge=1, description="How often it was raised; a repeat opens no second call.")
    ]
    last_raised_at: Moment
    acknowledged_by: Name | None
    acknowledged_at: Annotated[Moment | None, Meta(description="Someone is coming.")]
    arrived_by: Name | None
    arrived_at: Moment | None
    resolved_by: Name | None
    resolved_at: Moment | None
    resolution: Annotated[Sentence | None, Meta(description="What was done.")]
    cancelled_by: Name | None
    cancelled_at: Moment | None
    ended_at: Annotated[Moment | None, Meta(description="When it was resolved or cancelled.")]
    acknowledge_due_at: Annotated[
        Moment | None, Meta(description="By its policy; null where that sets no time.")
    ]
    resolve_due_at: Moment | None
    escalation_id: Id | None
    escalation_level: Annotated[
        Number, Meta(description="How far it has climbed; 0: nobody was told beyond the line.")
    ]
    downtime_id: Id | None
    quality_alert_id: Id | None
    job_id: Id | None
    version: Annotated[
        Number,
        Meta(
            description="Grows with each change but climbing, which must not come between a person and"
            " their answer; for `If-Match`."
        ),
    ]
    normal_at: Annotated[
        Moment | None,
        Meta(
            description="Since when what raised it is over by itself: nobody is told any more, and it stays"
            " until somebody has seen it."
        ),
    ] = None
    shelved_until: Annotated[
        Moment | None, Meta(description="Until then its escalation rests.")
    ] = None
    shelved_by: Name | None = None
    shelf_reason: Sentence | None = None


class Escalation(Data, frozen=True, kw_only=True):
    """What the escalation of a call has just done, whom it told, and what it will do next."""

    id: Id
    andon_id: Id
    line: Annotated[Name, Meta(description="The line's name, for those who read it elsewhere.")]
    equipment_code: Code | None
    category: Category
    priority: Priority
    description: Annotated[Sentence, Meta(description="The call's.")]
    happened: Annotated[
        Literal[
            "level", "reminder", "resolve_due", "acknowledged", "shelved", "resumed", "closed"
        ],
        Meta(
            description="`level`: it climbed to `level`; `reminder`: told again; `resolve_due`: answered, "
            "but not resolved in time; `acknowledged`: the first clock stopped; `shelved`: it rests until"
            " `next_due_at`; `resumed`: it began anew; `closed`: over."
        ),
    ]
    level: Number
    levels: Annotated[Number, Meta(description="How many its policy has.")]
    reminders: Annotated[Number, Meta(description="Sent on this level so far.")]
    recipient_ids: Annotated[
        list[Id],
        Meta(
            max_length=200, description="The users told by this event; `user:me` hears of it."
        ),
    ]
    recipients: Annotated[
        list[Name],
        Meta(
            max_length=12,
            description="Whom the level names, as people read it: roles, persons, on call.",
        ),
    ]
    due_at: Annotated[Moment | None, Meta(description="When what happened was due.")]
    late_ms: Annotated[Number, Meta(description="How much later than due it happened.")]
    next: Annotated[
        Literal["level", "reminder", "resolve_due", "shelf_end"] | None,
        Meta(description="What comes next if nobody does anything."),
    ]
    next_due_at: Moment | None
    raised_at: Annotated[Moment, Meta(description="When the call was raised.")]
    acknowledged_at: Moment | None
    closed_at: Moment | None


TYPES = (
    EventType(
        name="andon_event",
        kind=Kind.FACT,
        data=AndonCall,
        subject="id",
        ended_when="ended_at",
        description="A call was raised, raised again, acknowledged, reached, resolved or cancelled.",
    ),
    EventType(
        name="escalation_update",
        kind=Kind.FACT,
        data=Escalation,
        subject="id",
        ended_when="closed_at",
        description="An escalation climbed, reminded, was answered or closed.",
    ),
)
