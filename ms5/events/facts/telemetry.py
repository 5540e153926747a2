"""What the tags of an equipment read at present."""

from typing import Annotated

from msgspec import Meta

from ms5.events.facts.base import Code, Data, EventType, Id, Kind, Moment, Quality


class TagReading(Data, frozen=True, kw_only=True):
    """The newest reading of a tag; a value that is not good may be null."""

    tag_id: Id
    tag: Annotated[str, Meta(max_length=100, description="Its name.")]
    role: Annotated[str, Meta(max_length=20, description="What it says about its equipment.")]
    value: Annotated[
        Annotated[str, Meta(max_length=100)] | int | float | bool | None,
        Meta(description="As decoded and scaled."),
    ]
    quality: Quality
    source_at: Annotated[Moment | None, Meta(description="When it was so, by the source.")]
    why: Annotated[
        Annotated[str, Meta(max_length=160)] | None,
        Meta(description="Why it is not good: the sentence of the tag."),
    ]


class TelemetryUpdate(Data, frozen=True, kw_only=True):
    """The readings of one equipment through one controller."""

    equipment_code: Code
    plc: Annotated[Code, Meta(description="The controller's code.")]
    readings: Annotated[list[TagReading], Meta(max_length=64)]


TYPES = (
    EventType(
        name="telemetry_update",
        kind=Kind.GAUGE,
        data=TelemetryUpdate,
        description="What the tags of an equipment read.",
    ),
)
