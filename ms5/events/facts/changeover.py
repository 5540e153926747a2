"""A line turned from one product to another: two facts about one subject."""

from functools import partial
from typing import Annotated, Literal

from msgspec import Meta

from ms5.events.facts.base import (
    Code,
    Data,
    Id,
    Moment,
    Name,
    Number,
    Seconds,
    Sentence,
    ShortName,
    of_subject,
)


class Step(Data, frozen=True, kw_only=True):
    """A step of a changeover. Internal ones need the line to stand still."""

    name: ShortName
    kind: Literal["internal", "external"]
    target_seconds: Seconds | None
    started_at: Moment | None
    ended_at: Moment | None


class Changeover(Data, frozen=True, kw_only=True):
    """A changeover: it ends at the Nth good piece in a row of the new product, not at the first."""

    id: Id
    status: Literal["running", "completed", "cancelled"]
    from_product_code: Annotated[Code | None, Meta(description="Null: nothing was set before.")]
    from_product: Name | None
    to_product_code: Code
    to_product: Name
    job_id: Annotated[Id | None, Meta(description="The job it is made for.")]
    started_at: Moment
    ended_at: Moment | None
    target_seconds: Annotated[
        Seconds | None, Meta(description="For this pair of products; null: none is set.")
    ]
    actual_seconds: Annotated[
        Seconds | None, Meta(description="Null while it lasts: count from `started_at`.")
    ]
    over_target_at: Annotated[
        Moment | None, Meta(description="Since when it takes longer than its target.")
    ]
    started_with: Annotated[
        Literal["person", "product", "job", "bit"],
        Meta(description="A person, another product number, the next job, a changeover bit."),
    ]
    started_by: Name | None
    ended_by: Annotated[Name | None, Meta(description="Null: the good pieces ended it.")]
    good_needed: Annotated[Number, Meta(description="Good pieces in a row that end it.")]
    note: Sentence | None
    steps: Annotated[list[Step], Meta(max_length=20)]


_fact = partial(of_subject, data=Changeover, family="changeover")


TYPES = (
    _fact(
        "changeover_started",
        description="A changeover began, took a step, or is over its target.",
    ),
    _fact("changeover_completed", description="A changeover was completed or called off."),
)
