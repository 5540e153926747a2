"""A job of a line: four facts about one subject, and the gauge that counts along."""

from collections.abc import Mapping
from functools import partial
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
    Seconds,
    Sentence,
    of_subject,
)

JobStatus = Literal[
    "planned", "assigned", "accepted", "running", "paused", "completed", "cancelled"
]
# Which of the four facts tells a status; hence also the type of the job's item in a snapshot.
JOB_FACTS: Mapping[JobStatus, str] = {
    "planned": "job_assigned",
    "assigned": "job_assigned",
    "accepted": "job_assigned",
    "running": "job_started",
    "paused": "job_started",
    "completed": "job_completed",
    "cancelled": "job_cancelled",
}


class Job(Data, frozen=True, kw_only=True):
    """A job as it is after the event. Quantities are those of that moment; `job_progress` tells newer ones."""

    id: Id
    number: Annotated[Name, Meta(description="What people call it, such as an order's number.")]
    status: JobStatus
    product_code: Code
    product: Name
    target: Annotated[Number | None, Meta(description="Good pieces wanted; null: no end set.")]
    completes_at_target: bool
    good: Number
    reject: Number
    progress: Annotated[
        Ratio | None, Meta(description="good / target, a fraction; null without a target.")
    ]
    why: Annotated[Sentence | None, Meta(description="Why `progress` is null.")]
    position: Annotated[
        Number | None,
        Meta(description="Place in the line's queue, 1 is next; null once begun."),
    ]
    operator_id: Annotated[Id | None, Meta(description="The user it is assigned to.")]
    operator: Name | None
    by: Annotated[
        Name | None, Meta(description="Who did what the event tells; null: the system.")
    ]
    planned_start_at: Moment | None
    planned_end_at: Moment | None
    assigned_at: Moment | None
    accepted_at: Moment | None
    started_at: Annotated[Moment | None, Meta(description="When it first ran.")]
    paused_at: Annotated[Moment | None, Meta(description="Since when it is paused.")]
    ended_at: Annotated[Moment | None, Meta(description="When it was completed or cancelled.")]
    pause_reason: Sentence | None
    cancel_reason: Sentence | None
    note: Sentence | None
    version: Annotated[Number, Meta(description="Grows with each change; for `If-Match`.")]


class JobProgress(Data, frozen=True, kw_only=True):
    """How far the running job of a line is, and when it will be done at the real rate."""

    id: Id
    number: Name
    status: JobStatus
    product_code: Code
    product: Name
    operator: Name | None
    target: Number | None
    good: Number
    reject: Number
    progress: Annotated[Ratio | None, Meta(description="good / target, a fraction.")]
    remaining: Annotated[Number | None, Meta(description="Good pieces still to make.")]
    rate: Annotated[float | None, Meta(description="Good pieces a minute, as measured.")]
    estimated_end_at: Moment | None
    why: Annotated[
        Sentence | None, Meta(description="Why progress, rate or the estimated end is null.")
    ]
    started_at: Moment | None
    running_seconds: Annotated[
        Seconds, Meta(description="How long it has run, without its pauses.")
    ]


_fact = partial(of_subject, data=Job, family="job")


TYPES = (
    _fact(
        "job_assigned",
        description="A job was planned, given to an operator, taken back or accepted.",
    ),
    _fact("job_started", description="A job began, was paused or went on."),
    _fact("job_completed", description="A job was completed."),
    _fact("job_cancelled", description="A job was cancelled."),
    EventType(
        name="job_progress",
        kind=Kind.GAUGE,
        data=JobProgress,
        description="How far the running job is.",
    ),
)
