"""The grammar of addresses: Modbus tables, Logix tag names, SLC data files (pure)."""

import enum
import functools
import re
from dataclasses import dataclass, replace

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


@functools.lru_cache(maxsize=1 << 16)
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


def logix_place(name: str) -> tuple[str, int]:
    """The path to an array and the index of its element; 0 of a name that ends without one.

    `Motor[3].Hours[2]` is element 2 of `Motor[3].Hours`. An element of several dimensions is a place of its
    own: a read that ran on past the end of its row would give the next row for what does not exist.
    """
    match = _ELEMENT.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, 0)


class SlcFile(enum.StrEnum):
    """The kinds of data files of an SLC or a MicroLogix, by the letters of their addresses."""

    OUTPUT = "O"
    INPUT = "I"
    STATUS = "S"
    BIT = "B"
    TIMER = "T"
    COUNTER = "C"
    CONTROL = "R"
    INTEGER = "N"
    FLOAT = "F"
    TEXT = "ST"
    LONG = "L"

    @property
    def of_slots(self) -> bool:
        """An input or an output file, whose elements are slots of any number of words."""
        return self in {SlcFile.INPUT, SlcFile.OUTPUT}


SLC_ONLY_NUMBER = {SlcFile.OUTPUT: 0, SlcFile.INPUT: 1, SlcFile.STATUS: 2}
"""Files of which there is one, so that an address does not say their number."""
SLC_MEMBERS: dict[SlcFile, dict[str, int]] = {
    SlcFile.TIMER: {"PRE": 1, "ACC": 2},
    SlcFile.COUNTER: {"PRE": 1, "ACC": 2},
    SlcFile.CONTROL: {"LEN": 1, "POS": 2},
}
"""The words of three-word elements behind the first, which holds the bits."""
SLC_BITS: dict[SlcFile, dict[str, int]] = {
    SlcFile.TIMER: {"EN": 15, "TT": 14, "DN": 13},
    SlcFile.COUNTER: {"CU": 15, "CD": 14, "DN": 13, "OV": 12, "UN": 11, "UA": 10},
    SlcFile.CONTROL: {
        "EN": 15,
        "EU": 14,
        "DN": 13,
        "EM": 12,
        "ER": 11,
        "UL": 10,
        "IN": 9,
        "FD": 8,
    },
}
_SLC = re.compile(
    r"(ST|[OISBTCRNFL])([0-9]{1,3})?:([0-9]{1,3})(?:\.([0-9]{1,3}))?"
    r"(?:[./]([A-Z]{2,3})|/([0-9]{1,3}))?"
)
_SLC_BIT_OF_FILE = re.compile(r"B([0-9]{1,3})/([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class SlcAddress:
    """A place in a data file: an element, with a word of its slot, a member or a bit.

    `member` is one of SLC_MEMBERS or SLC_BITS and belongs to timers, counters and controls.
    """

    file: SlcFile
    number: int
    element: int
    word: int = 0
    member: str = ""
    bit: int | None = None

    def __str__(self) -> str:
        number = "" if self.file in SLC_ONLY_NUMBER else f"{self.number}"
        word = f".{self.word}" if self.file.of_slots else ""
        joined = "/" if self.member in SLC_BITS.get(self.file, {}) else "."
        member = f"{joined}{self.member}" if self.member else ""
        bit = "" if self.bit is None else f"/{self.bit}"
        return f"{self.file}{number}:{self.element}{word}{member}{bit}"


@functools.lru_cache(maxsize=1 << 16)
def parse_slc(text: str) -> SlcAddress:
    """The address that `N7:3`, `B3/20`, `T4:0.ACC`, `C5:1/DN`, `I:7/16`, `S:1/15` name.

    A bit counted through a file or through a slot is taken to its word: `B3/20` is `B3:1/4` and
    `I:7/16` is `I:7.1/0`. Raises AddressError. Printing what it returns gives an address that
    parses to the same.
    """
    text = text.strip().upper()
    if through := _SLC_BIT_OF_FILE.fullmatch(text):
        in_word = divmod(int(through[2]), REGISTER_BITS)
        address = SlcAddress(SlcFile.BIT, int(through[1]), in_word[0], bit=in_word[1])
        return _slc_checked(text, address, stated=True)
    match = _SLC.fullmatch(text)
    if match is None:
        raise AddressError(
            f"{text!r} is not an SLC address; write it like N7:0, B3:1/4, T4:0.ACC or I:7.1/0."
        )
    letters, number, element, word, member, bit = match.groups()
    file = SlcFile(letters)
    address = SlcAddress(
        file,
        int(number) if number else SLC_ONLY_NUMBER.get(file, -1),
        int(element),
        int(word or 0),
        member or "",
        int(bit) if bit else None,
    )
    if file.of_slots and address.bit is not None:
        more, rest = divmod(address.bit, REGISTER_BITS)
        address = replace(address, word=address.word + more, bit=rest)
    return _slc_checked(text, address, stated=word is None or file.of_slots)


def _slc_checked(text: str, address: SlcAddress, *, stated: bool) -> SlcAddress:
    """The address, or AddressError for what its file does not have."""
    file = address.file
    only = SLC_ONLY_NUMBER.get(file)
    members = SLC_MEMBERS.get(file, {}) | SLC_BITS.get(file, {})
    whole = file in {SlcFile.FLOAT, SlcFile.TEXT}
    wrong = {
        "names no file: say its number, as in N7:0": address.number < 0,
        f"names a file of which only number {only} exists": only not in {None, address.number},
        "is beyond the last file, 255": address.number > 0xFF,
        "is beyond the last element, 255": address.element > 0xFF or address.word > 0xFF,
        "asks for a word of an element that has no words by number": not stated,
        f"asks for {address.member}, which a {file} file does not have": bool(address.member)
        and address.member not in members,
        f"names a whole element; say which of {', '.join(members)}": bool(members)
        and not address.member,
        "asks for a bit of an element that has none": address.bit is not None
        and (whole or bool(members)),
        f"asks for bit {address.bit}; a word has bits 0 to 15": (address.bit or 0)
        >= (DWORD_BITS if file == SlcFile.LONG else REGISTER_BITS),
    }
    for sentence, applies in wrong.items():
        if applies:
            raise AddressError(f"{text!r} {sentence}.")
    return address


_SERIAL = re.compile(r"([0-9]{3,7}) ([78])([NEO])([12])")


@dataclass(frozen=True, slots=True)
class SerialFormat:
    """How a serial line is set: bits a second, data bits, parity, stop bits."""

    baud: int = 19200
    bits: int = 8
    parity: str = "E"
    stops: int = 1

    def __str__(self) -> str:
        return f"{self.baud} {self.bits}{self.parity}{self.stops}"

    @property
    def silence_s(self) -> float:
        """The silence that ends a frame: 3.5 characters of 11 bits, 1.75 ms at the least."""
        return max(0.00175, 3.5 * 11 / self.baud)


def parse_serial(text: str) -> SerialFormat:
    """The format that `19200 8E1` names; the standard's own when empty. Raises AddressError."""
    if not text:
        return SerialFormat()
    match = _SERIAL.fullmatch(text)
    if match is None or not int(match[1]):
        raise AddressError(f"{text!r} is no serial format; write it like 19200 8E1.")
    return SerialFormat(int(match[1]), int(match[2]), match[3], int(match[4]))
