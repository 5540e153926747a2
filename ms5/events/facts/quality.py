"""A quality figure beyond its threshold: one alert opens, and clears once."""

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
    Ratio,
    Sentence,
    ShortName,
)


class QualityWindow(Data, frozen=True, kw_only=True):
    """What the figure was taken over: a stretch of time, or the last so many items."""

    kind: Literal["time", "items"]
    started_at: Moment
    to: Moment
    items: Annotated[Number, Meta(description="Pieces looked at.")]


class Rejects(Data, frozen=True, kw_only=True):
    """The rejects of one reason within the window."""

    reason_code: Annotated[Code | None, Meta(description="Null: nobody has said why.")]
    reason: ShortName | None
    count: Number


class QualityAlert(Data, frozen=True, kw_only=True):
    """An alert as of the event: the figure that opened it, raised its severity, or cleared it."""

    id: Id
    status: Literal["open", "cleared"]
    severity: Literal["warning", "critical"]
    metric: Literal["reject_rate", "first_pass_yield", "defect"]
    defect_code: Annotated[
        Code | None, Meta(description="Which one, where metric is `defect`.")
    ]
    value: Annotated[Ratio | None, Meta(description="A fraction; a defect's is its share.")]
    why: Annotated[Sentence | None, Meta(description="Why `value` is null.")]
    threshold: Annotated[Ratio, Meta(description="Beyond it the alert opens.")]
    clears_at: Annotated[Ratio, Meta(description="Within it the alert clears.")]
    equipment_code: Annotated[Code | None, Meta(description="Null: the whole line.")]
    product_code: Code | None
    product: Name | None
    job_id: Id | None
    opened_at: Moment
    cleared_at: Moment | None
    window: QualityWindow
    breakdown: Annotated[
        list[Rejects],
        Meta(max_length=16, description="The most frequent reasons, the first first."),
    ]
    others: Annotated[Number, Meta(description="Rejects of the reasons not listed.")]
    andon_id: Annotated[Id | None, Meta(description="The call that it raised.")]


TYPES = (
    EventType(
        name="quality_alert",
        kind=Kind.FACT,
        data=QualityAlert,
        subject="id",
        ended_when="cleared_at",
        description="A quality figure went beyond its threshold, got worse, or came back.",
    ),
)
