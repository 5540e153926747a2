"""A simulated SLC 5/05: data files that PCCC messages read, and never write."""

import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from telemetry.address import SLC_BITS, SLC_MEMBERS, SlcAddress, SlcFile, parse_slc
from telemetry.simulator.cip import NOT_SUPPORTED, Identity, parse_path
from telemetry.simulator.enip import EnipServer
from telemetry.simulator.faults import Stats
from telemetry.simulator.memory import BeyondTheEnd, NoSuchTag, SimValue

EXECUTE_PCCC, PCCC_OBJECT = 0x4B, 0x67
REQUESTER = 7
TYPED, DIAGNOSTIC = 0x0F, 0x06
READ, STATUS = 0xA2, 0x03
WRITES = {0xAA, 0xAB, 0xA9, 0x88, 0x80, 0x3A, 0x57}
BAD_REQUEST, NO_SUCH_ADDRESS = 0x10, 0x50
EXTENDED, OTHER_TYPE = 0xF0, 0x11
"""A status that another byte behind the transaction explains, such as that the file is of another type."""
MOST_BYTES = 236

_CODES = {
    0x82: SlcFile.OUTPUT,
    0x83: SlcFile.INPUT,
    0x84: SlcFile.STATUS,
    0x85: SlcFile.BIT,
    0x86: SlcFile.TIMER,
    0x87: SlcFile.COUNTER,
    0x88: SlcFile.CONTROL,
    0x89: SlcFile.INTEGER,
    0x8A: SlcFile.FLOAT,
    0x8D: SlcFile.TEXT,
    0x91: SlcFile.LONG,
}
_SIZES = {
    SlcFile.TIMER: 6,
    SlcFile.COUNTER: 6,
    SlcFile.CONTROL: 6,
    SlcFile.FLOAT: 4,
    SlcFile.LONG: 4,
    SlcFile.TEXT: 84,
}
_Area = tuple[SlcFile, int, int]


class DataFiles:
    """The data files by the addresses that people write; each access is one step for other threads.

    They are made by their last element: `N7:39` has forty words, `I:7.2` is slot 7 with three.
    """

    def __init__(self, last_elements: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._files: dict[_Area, bytearray] = {}
        for text in last_elements:
            area, place = _area(_whole(text))
            self._files[area] = bytearray((place + 1) * _SIZES.get(area[0], 2))

    def clear(self) -> None:
        """Put zeros everywhere."""
        with self._lock:
            for area, stored in self._files.items():
                self._files[area] = bytearray(len(stored))

    def define(self, last_element: str) -> None:
        """A file of zeros, in the place of any other of its number."""
        area, place = _area(_whole(last_element))
        with self._lock:
            self._files = {each: raw for each, raw in self._files.items() if each[1] != area[1]}
            self._files[area] = bytearray((place + 1) * _SIZES.get(area[0], 2))

    def is_of_other_type(self, file: SlcFile, number: int) -> bool:
        """Whether the file of this number is of another type."""
        with self._lock:
            return any(n == number and kind != file for kind, n, _ in self._files)

    def read(self, area: _Area, start: int, length: int) -> bytes:
        """So many bytes from an element on. Raises NoSuchTag, BeyondTheEnd."""
        with self._lock:
            stored = self._stored(area)
            at = start * _SIZES.get(area[0], 2)
            if at + length > len(stored):
                raise BeyondTheEnd(f"{area[0]}{area[1]}:{start}")
            return bytes(stored[at : at + length])

    def get(self, name: str) -> SimValue:
        """The number or the bit by its address."""
        address = parse_slc(name)
        at, layout, bit = self._place(address)
        area, _ = _area(address)
        with self._lock:
            (word,) = struct.unpack_from(layout, self._stored(area), at)
        number: int | float = word
        return bool(int(number) >> bit & 1) if bit is not None else number

    def set(self, name: str, value: SimValue) -> None:
        """Put a number or a bit where `get` finds it."""
        if not isinstance(value, bool | int | float):
            raise TypeError(f"{name} holds one number, not {value!r}")
        address = parse_slc(name)
        at, layout, bit = self._place(address)
        area, _ = _area(address)
        with self._lock:
            stored = self._stored(area)
            number: int | float = value
            if bit is not None:
                word = int(struct.unpack_from(layout, stored, at)[0])
                number = word & ~(1 << bit) | (int(bool(value)) << bit)
            fit = float(number) if layout.endswith("f") else int(number)
            struct.pack_into(layout, stored, at, fit)

    def write_text(self, name: str, text: str) -> None:
        """Put a text into an element of an ST file."""
        area, place = _area(parse_slc(name))
        raw = text.encode("latin-1")[:82].ljust(82, b"\0")
        swapped = b"".join(raw[at : at + 2][::-1] for at in range(0, 82, 2))
        with self._lock:
            stored = self._stored(area)
            stored[84 * place : 84 * place + 84] = struct.pack("<H", len(text)) + swapped

    def _stored(self, area: _Area) -> bytearray:
        if area not in self._files:
            raise NoSuchTag(f"{area[0]}{area[1]}")
        return self._files[area]

    def _place(self, address: SlcAddress) -> tuple[int, str, int | None]:
        """Byte, layout and bit of a value in its file."""
        area, place = _area(address)
        at, file = place * _SIZES.get(address.file, 2), address.file
        bit = address.bit
        layout = {SlcFile.FLOAT: "<f", SlcFile.LONG: "<i"}.get(file, "<h")
        if address.member:
            at += 2 * SLC_MEMBERS[file].get(address.member, 0)
            bit = SLC_BITS[file].get(address.member)
        if at + struct.calcsize(layout) > len(self._stored(area)):
            raise BeyondTheEnd(str(address))
        # A word of which a bit is set must not become negative on the way.
        return at, layout.upper() if bit is not None and layout != "<f" else layout, bit


def _whole(text: str) -> SlcAddress:
    """The address of a whole element, which no reader may ask for."""
    file = SlcFile(text.partition(":")[0].rstrip("0123456789"))
    member = next(iter(SLC_MEMBERS.get(file, {})), "")
    return replace(parse_slc(f"{text}.{member}" if member else text), member="")


def _area(address: SlcAddress) -> tuple[_Area, int]:
    if address.file.of_slots:
        return (address.file, address.number, address.element), address.word
    return (address.file, address.number, 0), address.element


class SlcProcessor:
    """The objects of an SLC: its identity, and the one that carries PCCC."""

    def __init__(self, files: DataFiles, stats: Stats) -> None:
        self.files = files
        self.stats = stats
        self.identity = Identity(product="1747-L551/C C/13", program="", major=13, minor=1)
        self.program = 1
        self.refused: set[str] = set()
        """Addresses of elements whose blocks are refused."""
        self.extended: int | None = None
        """The extended status with which every read is refused."""
        self.misnumbered = 0
        """By how much the transaction of a reply is another one than that of its request."""

    def answer(self, request: bytes, room: int) -> bytes:
        """The reply to one CIP service; it carries no more than PCCC allows."""
        del room
        service, words = request[0], request[1]
        self.stats.services[service] += 1
        path = parse_path(request[2 : 2 + 2 * words])
        if service != EXECUTE_PCCC or path.class_id != PCCC_OBJECT:
            return bytes([service | 0x80, 0, NOT_SUPPORTED, 0])
        data = request[2 + 2 * words :]
        requester, message = data[:REQUESTER], data[REQUESTER:]
        return bytes([service | 0x80, 0, 0, 0]) + requester + self._pccc(message)

    def _pccc(self, message: bytes) -> bytes:
        command, _, transaction, function = struct.unpack_from("<BBHB", message)
        self.stats.functions[command, function] += 1
        self.stats.writes += function in WRITES
        status, payload = BAD_REQUEST, b""
        if (command, function) == (TYPED, READ):
            status, payload = self._read(message[5:])
        elif (command, function) == (DIAGNOSTIC, STATUS):
            status, payload = 0, self._diagnostic()
        transaction = (transaction + self.misnumbered) & 0xFFFF
        return struct.pack("<BBH", command | 0x40, status, transaction) + payload

    def _read(self, data: bytes) -> tuple[int, bytes]:
        length, numbers, rest = data[0], [], data[1:]
        for place in range(4):
            if rest[0] == 0xFF and place != 1:
                numbers.append(int.from_bytes(rest[1:3], "little"))
                rest = rest[3:]
            else:
                numbers.append(rest[0])
                rest = rest[1:]
        number, code, element, sub_element = numbers
        file = _CODES.get(code)
        if file is None or length > MOST_BYTES:
            return BAD_REQUEST, b""
        area = (file, number, element if file.of_slots else 0)
        start = sub_element if file.of_slots else element
        elements = range(start, start + -(-length // _SIZES.get(file, 2)))
        is_other = self.files.is_of_other_type(file, number)
        extended = OTHER_TYPE if is_other else self.extended
        if extended is not None:
            return EXTENDED, bytes([extended])
        if any(f"{file}{number}:{each}" in self.refused for each in elements):
            return NO_SUCH_ADDRESS, b""
        try:
            return 0, self.files.read(area, start, length)
        except NoSuchTag:
            return BAD_REQUEST, b""
        except BeyondTheEnd:
            return NO_SUCH_ADDRESS, b""

    def _diagnostic(self) -> bytes:
        """Mode, types, series, name, fault word, mode again, the program's number, memory."""
        name = b"5/05".ljust(11)
        fixed = struct.pack("<BBBBB", 0x06, 0xEE, 0x25, 0x78, 0x41)
        return fixed + name + struct.pack("<HBHHB", 0, 0x06, self.program, 64, 0)


class SlcServer(EnipServer):
    """An SLC 5/05 on a TCP port; `names` are what people call its addresses."""

    def __init__(
        self,
        files: DataFiles,
        *,
        names: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.files = files
        self.names = names or {}
        self.processor = SlcProcessor(files, Stats())
        super().__init__(self.processor, self.processor.stats, host=host, port=port)
        self.large_connections = False

    def get(self, name: str) -> SimValue:
        return self.files.get(self.names.get(name, name))

    def set(self, name: str, value: SimValue) -> None:
        self.files.set(self.names.get(name, name), value)

    def power_up(self) -> None:
        """All values are zero, as after a loss of power without a battery."""
        self.files.clear()

    def download(self) -> None:
        """Another program is in it now, with the same files."""
        self.processor.program += 1
