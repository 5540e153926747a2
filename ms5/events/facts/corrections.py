"""What a person put right afterwards."""

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
    Ratio,
    Scalar,
    Sentence,
)

Field = Annotated[str, Meta(max_length=40, pattern="^[a-z][a-z0-9_]*$")]


class Correction(Data, frozen=True, kw_only=True):
    """A record superseded by another: who, why, before and after, and what became of the OEE.

    It is over as soon as it is made, so it stands in no snapshot; undoing it is a correction of its own.
    """

    id: Id
    equipment_code: Code | None
    subject: Annotated[
        Literal["downtime", "span", "count", "job", "changeover", "quality_check"],
        Meta(description="What kind of record was corrected."),
    ]
    subject_id: Id
    what: Annotated[
        Literal["reason", "split", "merge", "ends", "count", "value", "undo"],
        Meta(description="What was done to it; `ends`: its start or end was moved."),
    ]
    undoes: Annotated[Id | None, Meta(description="The correction that an `undo` takes back.")]
    by: Name
    by_id: Id | None
    reason: Sentence
    before: Annotated[
        dict[Field, Scalar],
        Meta(max_length=12, description="The fields that changed, as they were."),
    ]
    after: Annotated[
        dict[Field, Scalar],
        Meta(max_length=12, description="The same fields as they are; times as ISO 8601."),
    ]
    corrected_at: Moment
    affected_from: Annotated[
        Moment, Meta(description="Figures from here on are computed anew, half open.")
    ]
    affected_to: Moment
    oee_before: Annotated[
        Ratio | None, Meta(description="Of the stretch affected; null where it has none.")
    ]
    oee_after: Ratio | None


TYPES = (
    EventType(
        name="correction",
        kind=Kind.FACT,
        data=Correction,
        subject="id",
        # Never null: there is no such thing as an open correction.
        ended_when="corrected_at",
        description="A person put a record right, or took a correction back.",
    ),
)
