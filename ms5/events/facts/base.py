"""What every event's data is made of: the words, the numbers with their bounds, and a row of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

State = Literal[
    "running", "idle", "stopped", "faulted", "starved", "blocked", "setup", "no_data"
]
Quality = Literal["good", "uncertain", "bad", "stale"]
Priority = Literal["low", "medium", "high", "critical"]

MAX_BYTES = 8192
# A gauge of a line names each of its machines, and there may be a hundred.
MAX_GAUGE_BYTES = 8 * MAX_BYTES

# Subjects that are rows of a table are named by the row's number: what a browser holds exactly, and what a
# group name may end with. Equipment and controllers are named by their code, which never changes.
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Code = Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# Long texts are cut by who says the fact, so that the longest lists of an event still fit its 8 KiB.
Name = Annotated[str, Meta(max_length=100)]
ShortName = Annotated[str, Meta(max_length=60)]
Sentence = Annotated[str, Meta(max_length=500)]
Moment = Annotated[datetime, Meta(tz=True)]
Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Ratio = Annotated[float, Meta(ge=0)]
"""A fraction: 0.712 is 71.2 %. It may lie above 1, where a standard is wrong."""
Seconds = Annotated[float, Meta(ge=0)]
Scalar = Name | int | float | bool | None


class Kind(StrEnum):
    """A fact must arrive; a gauge may be overwritten by a newer one."""

    FACT = "fact"
    GAUGE = "gauge"


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what events carry: the whole public state of their subject."""


class Window(Data, frozen=True, kw_only=True):
    """A stretch of time, half open; `to` is the moment of the figures."""

    started_at: Moment
    to: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A row of the table. `subject` names the field of the data that identifies what the event is about.

    Types of one `family` speak of the same subject: the newest event of the family tells its whole state.
    `ended_when` names a field that, when it is not null, says that the subject is no longer open and
    leaves the snapshot. A gauge has no subject: the newest of its key counts.
    """

    name: str
    kind: Kind
    data: type[Data]
    description: str
    family: str = ""
    """The name of the type where it is the only one about its subject."""
    subject: str = ""
    ended_when: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "family", self.family or self.name)

    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of the event's `data`."""
        return msgspec.json.schema(self.data)


def of_subject(name: str, data: type[Data], description: str, *, family: str) -> EventType:
    """Return one of several facts about a subject that is named by `id` and ends with `ended_at`."""
    return EventType(
        name=name,
        kind=Kind.FACT,
        data=data,
        family=family,
        subject="id",
        ended_when="ended_at",
        description=description,
    )
