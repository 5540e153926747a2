"""A stop of an equipment that was long enough to be a downtime."""

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
    Seconds,
    Sentence,
)


class Downtime(Data, frozen=True, kw_only=True):
    """A downtime, from its start; told anew when it ends, is given a reason or is confirmed."""

    id: Id
    equipment_code: Code
    status: Annotated[
        Literal["open", "closed", "confirmed"],
        Meta(
            description="`closed`: it runs again; `confirmed`: a person stands by the reason."
        ),
    ]
    started_at: Moment
    ended_at: Moment | None
    duration_seconds: Annotated[
        Seconds | None, Meta(description="Null while it lasts: count from `started_at`.")
    ]
    category: Literal["planned", "unplanned", "changeover", "maintenance"]
    reason_code: Annotated[Code | None, Meta(description="Null: nobody has said why.")]
    reason: Name | None
    suggested_reason_code: Annotated[
        Code | None, Meta(description="What the first fault of the stop stands for.")
    ]
    suggested_reason: Name | None
    fault_id: Annotated[Id | None, Meta(description="The first-out `equipment_fault`.")]
    fault: Annotated[Sentence | None, Meta(description="Its text.")]
    reported_by: Annotated[
        Name | None, Meta(description="Who gave the reason; null: rules did.")
    ]
    confirmed_by: Name | None
    confirmed_at: Moment | None
    note: Sentence | None
    job_id: Annotated[Id | None, Meta(description="The job that was running when it began.")]
    product_code: Code | None
    product: Name | None
    merged_into: Annotated[
        Id | None,
        Meta(
            description="The downtime that has taken this one's time; it then ends where it began."
        ),
    ]
    version: Annotated[Number, Meta(description="Grows with each change; for `If-Match`.")]


TYPES = (
    EventType(
        name="downtime_event",
        kind=Kind.FACT,
        data=Downtime,
        subject="id",
        ended_when="ended_at",
        description="A downtime began, ended, or was given a reason, confirmed, split or merged.",
    ),
)
