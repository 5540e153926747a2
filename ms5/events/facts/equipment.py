"""What an equipment does, what is wrong with it, and whether its controller answers."""

from typing import Annotated, Literal

from msgspec import Meta

from ms5.events.facts.base import Data, EventType, Kind, Moment, Priority, State


class EquipmentState(Data, frozen=True, kw_only=True):
    """The state an equipment has been in since `since`, and what it was before."""

    equipment_code: str
    state: State
    since: Moment
    previous: State | None
    reason: Annotated[
        str | None,
        Meta(description="A sentence for a person: the first-out fault, or why no data."),
    ] = None


class EquipmentFault(Data, frozen=True, kw_only=True):
    """A fault message of an equipment, from its rise to its end."""

    id: int
    equipment_code: str
    code: Annotated[str, Meta(description="Tag and bit, such as `Fault[31]`.")]
    text: str
    severity: Priority
    source: Literal["internal", "upstream", "downstream"]
    reason_code: Annotated[
        str | None, Meta(description="The downtime reason that the message stands for.")
    ]
    raised_at: Moment
    cleared_at: Moment | None
    first_out: Annotated[bool, Meta(description="Whether it was the first fault of its stop.")]


class PlcStatus(Data, frozen=True, kw_only=True):
    """Whether a controller answers. Announced on each line it serves."""

    plc: Annotated[str, Meta(description="Its code.")]
    name: str
    protocol: str
    status: Literal["connected", "lost", "disabled"]
    since: Moment
    last_ok_at: Annotated[
        Moment | None,
        Meta(
            description="The last answer of one that is lost; null while it answers, since that"
            " moves with every poll."
        ),
    ]
    error: str | None
    equipment_codes: Annotated[
        list[str], Meta(description="The equipment of this line that it serves.")
    ]
    left_at: Annotated[
        Moment | None,
        Meta(description="When it was removed, or its last equipment of this line was."),
    ] = None


TYPES = (
    EventType(
        name="equipment_state",
        kind=Kind.FACT,
        data=EquipmentState,
        subject="equipment_code",
        description="An equipment entered another state.",
    ),
    EventType(
        name="equipment_fault",
        kind=Kind.FACT,
        data=EquipmentFault,
        subject="id",
        ended_when="cleared_at",
        description="A fault message rose or cleared.",
    ),
    EventType(
        name="plc_status",
        kind=Kind.FACT,
        data=PlcStatus,
        subject="plc",
        ended_when="left_at",
        description="A controller was lost or came back, or serves the line no more.",
    ),
)
