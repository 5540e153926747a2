"""What a driver is given, what it answers, and how it says that nothing came."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

ProtocolName = Literal["logix", "slc", "modbus_tcp", "modbus_rtu", "modbus_rtu_tcp"]
Scalar = bool | int | float
Value = Scalar | str | tuple[Scalar, ...] | None


class Quality(enum.StrEnum):
    """How far a value may be trusted."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


class DataType(enum.StrEnum):
    """The type of one element of a tag."""

    BOOL = "bool"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"


class ByteOrder(enum.StrEnum):
    """The order in which a Modbus device sends the bytes of a value; A is the most significant.

    Sixteen-bit values know only two orders: as they are (ABCD, CDAB) or swapped (BADC, DCBA).
    """

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


@dataclass(frozen=True, slots=True)
class TagSpec:
    """What a driver must know of a tag to read and check it.

    `length` is the number of elements; above one the value is a tuple. A `string` is one
    element: `length` is then its room in characters, which on Logix the types of one's own need.
    `word_order` and `device_id` are Modbus only.
    """

    address: str
    data_type: DataType
    length: int = 1
    word_order: ByteOrder = ByteOrder.ABCD
    device_id: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """One address read once.

    `value` is None unless the quality is good or uncertain. `source_at` is when the answer came
    (aware UTC), since the controllers we read have no time stamp of their own. `error` is a
    sentence for a person, empty when good. `has_other_type` when the controller says that the value
    is of another type than the tag.
    """

    address: str
    value: Value
    quality: Quality
    source_at: datetime
    error: str = ""
    has_other_type: bool = False


def peer_name(host: str, port: int) -> str:
    """Host and port, an address of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a PLC is and how it is spoken to.

    `path` is the Logix route behind the address ("" or a slot such as "2", or a longer CIP
    path). `timeout_s` is the deadline of one whole exchange: an open, or a read with all its
    frames. `pause_s` is the least time between an answer and the next request. `serial` is the
    format of a serial line, such as "19200 8E1", whose device `host` then names. Options of
    Modbus: `max_gap`, `max_registers`, `max_bits` (see `telemetry.plan`).
    """

    protocol: ProtocolName
    host: str
    port: int
    path: str = ""
    timeout_s: float = 2.0
    pause_s: float = 0.0
    serial: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def peer(self) -> str:
        """Host and port as a person reads them."""
        return peer_name(self.host, self.port)

    @property
    def line(self) -> str:
        """The line it shares with other devices; empty when it has a connection of its own."""
        match self.protocol:
            case "modbus_rtu":
                return self.host
            case "modbus_rtu_tcp":
                return f"{self.host}:{self.port}"
            case _:
                return ""


def is_other_program(mark: str, known: str) -> bool:
    """Whether two marks tell of two programs (see `Driver.program`).

    A controller that counts its changes may refuse to tell them for a moment; its mark is then the beginning
    of the whole one, and says nothing of the rest. So does an empty mark.
    """
    shorter, longer = sorted((mark, known), key=len)
    return bool(shorter) and not f"{longer} ".startswith(f"{shorter} ")


@dataclass(slots=True)
class Load:
    """What reading has cost a PLC since the driver was made: requests, and bytes both ways."""

    requests: int = 0
    bytes: int = 0


class LinkDown(Exception):
    """Nothing could be read; the message is a sentence for a person."""


class DriverBusy(RuntimeError):
    """Two users at once on one driver: a mistake of the program, never waited for."""


class Driver(Protocol):
    """One connection to one PLC, for one user at a time. It can read; no write exists."""

    @property
    def connected(self) -> bool:
        """True from a successful open to the first error or close."""
        ...

    @property
    def load(self) -> Load:
        """What it has asked of the PLC so far."""
        ...

    @property
    def program(self) -> str:
        """A mark of the program in the PLC as of the last open or read; empty when it shows none.

        Another mark than before (`is_other_program`) means that the tags may mean something else now.
        """
        ...

    def open(self) -> None:
        """Connect anew, or do nothing when connected. Raises LinkDown, DriverBusy."""
        ...

    def close(self) -> None:
        """Disconnect. Never raises and never waits for the peer.

        Called while another thread reads, it ends that read with LinkDown.
        """
        ...

    def read(self, specs: Sequence[TagSpec]) -> list[Reading]:
        """One reading per spec, in the order of the specs.

        A bad address gives one bad reading. When the link fails half way, what came before is
        kept, the rest is bad and the driver is closed; when nothing at all came, or the mark of
        the program did not come that vouches for it, it is closed and LinkDown is raised. Raises
        LinkDown when not open, DriverBusy when in use.
        """
        ...
