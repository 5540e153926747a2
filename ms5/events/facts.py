"""Every type of event: its kind, its data as a class, what its subject is; one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

State = Literal[
    "running", "idle", "stopped", "faulted", "starved", "blocked", "setup", "no_data"
]
Quality = Literal["good", "uncertain", "bad", "stale"]
MAX_BYTES = 8192
# A gauge of a line names each of its machines, and there may be a hundred.
MAX_GAUGE_BYTES = 8 * MAX_BYTES


class Kind(StrEnum):
    """A fact must arrive; a gauge may be overwritten by a newer one."""

    FACT = "fact"
    GAUGE = "gauge"


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what events carry: the whole public state of their subject."""


class EquipmentState(Data, frozen=True, kw_only=True):
    """The state an equipment has been in since `since`, and what it was before."""

    equipment_code: str
    state: State
    since: datetime
    previous: State | None
    reason: str | None = None
    """A sentence for a person: the first-out fault, or why there is no data."""


class EquipmentFault(Data, frozen=True, kw_only=True):
    """A fault message of an equipment, from its rise to its end."""

    id: int
    equipment_code: str
    code: str
    """Tag and bit, such as `Fault[31]`."""
    text: str
    severity: Literal["low", "medium", "high", "critical"]
    source: Literal["internal", "upstream", "downstream"]
    reason_code: str | None
    raised_at: datetime
    cleared_at: datetime | None
    first_out: bool
    """Whether it was the first fault of its stop."""


class PlcStatus(Data, frozen=True, kw_only=True):
    """Whether a controller answers. Announced on each line it serves."""

    plc: str
    name: str
    protocol: str
    status: Literal["connected", "lost", "disabled"]
    since: datetime
    last_ok_at: datetime | None
    """The last answer of one that is lost; null while it answers, since that moves with every poll."""
    error: str | None
    equipment_codes: list[str]


class EquipmentNow(Data, frozen=True, kw_only=True):
    """One equipment within `production_update`."""

    equipment_code: str
    name: str
    state: State
    since: datetime | None
    speed: float | None
    """Pieces a minute."""
    target_speed: float | None
    good: int
    reject: int
    operator: str | None = None
    planned_stop: str | None = None
    """The reason of a planned stop, null when none is on."""
    product: str | None = None


class Window(Data, frozen=True, kw_only=True):
    """A stretch of time, half open; `to` is the moment of the figures."""

    started_at: datetime
    to: datetime


class ProductionUpdate(Data, frozen=True, kw_only=True):
    """A line now: its equipment in flow order and the figures of its constraint over the window."""

    equipment: list[EquipmentNow]
    constraint: str | None
    state: State
    speed: float | None
    target_speed: float | None
    good: int
    reject: int
    target: float | None
    """Pieces that the measured time of the window allowed at the ideal cycle; null without one."""
    efficiency: float | None
    """(good - good_aside) / target, a fraction; null without a target."""
    downtime_s: float
    """Measured seconds of the window in which the constraint did not run."""
    measured_s: float
    good_aside: int = 0
    """Those of `good` that efficiency leaves out: a counter showed them after a gap, or no product was set."""
    why: str | None
    """Why target or efficiency is null."""
    job: str | None
    product: str | None
    rate: float | None
    """Good pieces a minute over the last ten minutes of measured time."""
    rate_before: float | None
    """The same over the ten minutes before those."""
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A row of the table. `subject` names the field of the data that identifies what the event is about.

    `ended_when` names a field that, when it is not null, says that the subject is no longer open and
    leaves the snapshot.
    """

    name: str
    kind: Kind
    data: type[Data]
    description: str
    subject: str = ""
    ended_when: str = ""

    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of the event's `data`."""
        return msgspec.json.schema(self.data)


TYPES: Mapping[str, EventType] = {
    row.name: row
    for row in (
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
            description="A controller was lost or came back.",
        ),
        EventType(
            name="production_update",
            kind=Kind.GAUGE,
            data=ProductionUpdate,
            description="The figures of a line, every second.",
        ),
    )
}
