"""The grammar of addresses: Modbus tables and registers, Logix tag names (pure)."""

import enum
import re
from dataclasses import dataclass

from telemetry.drivers.base import DataType, TagSpec

_MODBUS = re.compile(r"([a-z]+):([0-9]{1,5})(?:\.([0-9]{1,2}))?")
_MODICON = re.compile(r"([0134])([0-9]{4,5})")
_LOGIX = re.compile(
    r"(?:Program:[A-Za-z_][A-Za-z0-9_]{0,39}\.)?"
    r"[A-Za-z_][A-Za-z0-9_:]{0,79}(?:\[[0-9]+(?:,[0-9]+){0,2}\])?"
    r"(?:\.[A-Za-z_][A-Za-z0-9_]{0,39}(?:\[[0-9]+(?:,[0-9]+){0,2}\])?)*"
    r"(?:\.[0-9]{1,2})?"
)
_BIT_OF_WORD = re.compile(r"(.+)\.([0-9]{1,2})")
_ELEMENT = re.compile(r"(.+)\[([0-9]+)\]")

REGISTER_BITS = 16
DWORD_BITS = 32


class AddressError(ValueError):
    """The address or what is asked of it cannot be; the message is a sentence for a person."""


class Table(enum.StrEnum):
    """The four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def of_bits(self) -> bool:
        return self in {Table.COIL, Table.DISCRETE}


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """A place in a Modbus table, zero-based as in the PDU; with a bit, part of a register."""

    table: Table
    number: int
    bit: int | None = None

    def __str__(self) -> str:
        place = f"{self.table}:{self.number}"
        return place if self.bit is None else f"{place}.{self.bit}"


def parse_modbus(text: str) -> ModbusAddress:
    """The address that `holding:100`, `input:7`, `coil:3`, `holding:100.3` name.

    Raises AddressError. Printing what it returns gives an address that parses to the same.
    """
    match = _MODBUS.fullmatch(text)
    if match is None:
        raise AddressError(_why_not_modbus(text))
    table_name, number_text, bit_text = match.groups()
    if table_name not in set(Table):
        raise AddressError(f"{text!r} names no table: it is coil, discrete, input or holding.")
    table, number = Table(table_name), int(number_text)
    if number > 0xFFFF:
        raise AddressError(f"{text!r} is beyond the last address, 65535.")
    if bit_text is None:
        return ModbusAddress(table, number)
    if table.of_bits:
        raise AddressError(f"{text!r} asks for a bit of a {table}, which is one bit already.")
    if int(bit_text) >= REGISTER_BITS:
        raise AddressError(f"{text!r} asks for bit {bit_text}; a register has bits 0 to 15.")
    return ModbusAddress(table, number, int(bit_text))


def _why_not_modbus(text: str) -> str:
    modicon = _MODICON.fullmatch(text)
    if modicon and int(modicon[2]) > 0:
        tables = {"0": Table.COIL, "1": Table.DISCRETE, "3": Table.INPUT, "4": Table.HOLDING}
        meant = f"{tables[modicon[1]]}:{int(modicon[2]) - 1}"
        return f"{text!r} is a one-based Modicon number; write it zero-based, as {meant}."
    return f"{text!r} is not a Modbus address; write it like holding:100, coil:3 or input:7.2."


@dataclass(frozen=True, slots=True)
class LogixTarget:
    """What to ask a Logix controller for, and where in the answer the value lies.

    `name` and `elements` go into the request. `bit` is None for a whole value; otherwise the
    value is bits from that one on: of a BOOL array in its DWORDs when `packed`, else the one
    bit of an integer.
    """

    name: str
    elements: int
    bit: int | None = None
    packed: bool = False


def logix_target(spec: TagSpec) -> LogixTarget:
    """How to ask for a tag by its name. Raises AddressError.

    A BOOL array is stored as DWORDs and can only be read in those: `Fault` of length 64 asks
    for two, `Fault[37]` for the second one, of which it is bit 5.
    """
    address = spec.address
    if not _LOGIX.fullmatch(address):
        raise AddressError(f"{address!r} is not the name of a Logix tag.")
    if not 1 <= spec.length <= 0xFFFF:
        raise AddressError(f"{address} has length {spec.length}; it must be 1 to 65535.")
    bit_of_word = _BIT_OF_WORD.fullmatch(address)
    if spec.data_type != DataType.BOOL:
        if bit_of_word:
            raise AddressError(f"{address} is one bit, the tag says {spec.data_type}.")
        is_text = spec.data_type == DataType.STRING
        return LogixTarget(address, 1 if is_text else spec.length)
    if bit_of_word:
        if spec.length > 1:
            raise AddressError(f"{address} is one bit, the tag says {spec.length} of them.")
        return LogixTarget(bit_of_word[1], 1, bit=int(bit_of_word[2]))
    element = _ELEMENT.fullmatch(address)
    if element:
        dword, bit = divmod(int(element[2]), DWORD_BITS)
        elements = -(-(bit + spec.length) // DWORD_BITS)
        return LogixTarget(f"{element[1]}[{dword}]", elements, bit=bit, packed=True)
    if spec.length > 1:
        return LogixTarget(address, -(-spec.length // DWORD_BITS), bit=0, packed=True)
    return LogixTarget(address, 1)
