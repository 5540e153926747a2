"""An event with the groups it goes to, ready to be delivered as often as needed."""

from dataclasses import dataclass
from typing import Any

import msgspec

from ms5.events.log import SYS, Written
from realtime.routes import groups_of


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: `text` is the frame, shared by all connections."""

    stream: str
    seq: int
    line_id: str | None
    groups: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """The latest value of a key of a stream."""

    stream: str
    key: str
    ver: int
    line_id: str | None
    groups: tuple[str, ...]
    text: str


class _Envelope(msgspec.Struct):
    data: dict[str, Any]


def groups_of_written(written: Written) -> tuple[str, ...]:
    """Return the groups of an event of the log; its text is read only where the table asks for it."""
    decoded: list[dict[str, Any]] = []

    def field(name: str) -> object:
        if not decoded:
            decoded.append(msgspec.json.decode(written.text, type=_Envelope).data)
        return decoded[0].get(name)

    return groups_of(written.type, written.line_id, written.equipment_code, field)


def fact_of(stream: str, written: Written) -> Fact:
    """Return a fact of the log with its groups; those of `sys` have a group that no target has."""
    groups = (f"{SYS}.{written.type}",) if stream == SYS else groups_of_written(written)
    return Fact(stream, written.position, written.line_id, groups, written.text)


_ID = '"event_id":"'


def born_at(fact: Fact) -> float:
    """Return when the fact was recorded, in seconds since 1970: its id, a UUID of version 7, begins with it."""
    at = fact.text.index(_ID) + len(_ID)
    return int(fact.text[at : at + 8] + fact.text[at + 9 : at + 13], 16) / 1000


def gauge_of(stream: str, written: Written) -> Gauge:
    """Return a gauge of the log with its groups."""
    groups = groups_of_written(written)
    return Gauge(stream, written.key, written.position, written.line_id, groups, written.text)
