"""The tags of a simulated Logix controller, as bytes, the way a controller keeps them."""

import re
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Number = bool | int | float
SimValue = Number | Sequence[Number]

_NAME = re.compile(r"((?:Program:\w+\.)?[A-Za-z_][\w:]*)(?:\[(\d+)\])?(?:\.(\w+))?")

# Type code and layout of the atomic types (CIP volume 1, appendix C-6.1).
ATOMIC = {
    "BOOL": (0xC1, "B"),
    "SINT": (0xC2, "b"),
    "INT": (0xC3, "h"),
    "DINT": (0xC4, "i"),
    "LINT": (0xC5, "q"),
    "USINT": (0xC6, "B"),
    "UINT": (0xC7, "H"),
    "UDINT": (0xC8, "I"),
    "ULINT": (0xC9, "Q"),
    "REAL": (0xCA, "f"),
    "LREAL": (0xCB, "d"),
    "DWORD": (0xD3, "I"),
}
DWORD_BITS = 32
STRUCTURE = 0x02A0
COUNTER_TEMPLATE = 0x0F82
COUNTER_SIZE = 12
# A COUNTER is three DINTs, the first of them its flags.
COUNTER_WORDS = {"CTL": 0, "PRE": 4, "ACC": 8}
COUNTER_FLAGS = {"CU": 31, "CD": 30, "DN": 29, "OV": 28, "UN": 27}


class NoSuchTag(LookupError):
    """The name is not in the memory."""


class BeyondTheEnd(LookupError):
    """The element is not in the array."""


@dataclass(slots=True)
class Symbol:
    """A tag: its type, its elements (0 when it is no array; a BOOL array's are DWORDs)."""

    name: str
    type_name: str
    elements: int
    stored: bytearray

    @property
    def element_size(self) -> int:
        if self.type_name == "COUNTER":
            return COUNTER_SIZE
        return struct.calcsize("<" + ATOMIC[self.type_name][1])

    @property
    def type_bytes(self) -> bytes:
        """What a read reply says of the type: a code, and for a structure its handle."""
        if self.type_name == "COUNTER":
            return struct.pack("<HH", STRUCTURE, COUNTER_TEMPLATE)
        return struct.pack("<H", ATOMIC[self.type_name][0])

    @property
    def symbol_type(self) -> int:
        """The symbol type word of the tag list: structure bit, dimensions, code or template."""
        dimensions = 0x2000 if self.elements else 0
        if self.type_name == "COUNTER":
            return 0x8000 | dimensions | COUNTER_TEMPLATE
        return dimensions | ATOMIC[self.type_name][0]


class Memory:
    """Symbols by name; each read or write of a whole value is one step for other threads."""

    def __init__(self, definitions: Iterable[tuple[str, str, int]]) -> None:
        self._lock = threading.Lock()
        self._symbols: dict[str, Symbol] = {}
        self.changes = 0
        for name, type_name, length in definitions:
            self.define(name, type_name, length)

    def define(self, name: str, type_name: str, length: int = 1) -> None:
        """A tag of zeros; one that exists is replaced, as by a program download."""
        elements = length if length > 1 else 0
        if type_name == "BOOL" and elements:
            type_name, elements = "DWORD", -(-length // DWORD_BITS)
        symbol = Symbol(name, type_name, elements, bytearray())
        symbol.stored = bytearray(symbol.element_size * max(1, elements))
        with self._lock:
            self._symbols[name] = symbol
            self.changes += 1

    def clear(self) -> None:
        """Put zeros everywhere."""
        with self._lock:
            for symbol in self._symbols.values():
                symbol.stored = bytearray(len(symbol.stored))

    def symbols(self, program: str = "") -> list[Symbol]:
        """The controller's own tags, or those of a program, in the order of definition."""
        with self._lock:
            found = list(self._symbols.values())
        prefix = f"Program:{program}." if program else ""
        return [
            s
            for s in found
            if (s.name.startswith(prefix) if prefix else not s.name.startswith("Program:"))
        ]

    def programs(self) -> list[str]:
        with self._lock:
            names = list(self._symbols)
        found = (n.split(".")[0].removeprefix("Program:") for n in names if n[:8] == "Program:")
        return list(dict.fromkeys(found))

    def symbol(self, name: str) -> Symbol:
        with self._lock:
            if name not in self._symbols:
                raise NoSuchTag(name)
            return self._symbols[name]

    def read(self, name: str, index: int, member: str, elements: int) -> tuple[bytes, bytes]:
        """Type and bytes of so many elements. Raises NoSuchTag, BeyondTheEnd."""
        symbol = self.symbol(name)
        with self._lock:
            stored = bytes(symbol.stored)
        size = symbol.element_size
        start = index * size
        if member:
            if elements > 1 or start + size > len(stored):
                raise BeyondTheEnd(name)
            return _counter_member(symbol, member, stored[start : start + size])
        if elements < 1 or start + elements * size > len(stored):
            raise BeyondTheEnd(name)
        return symbol.type_bytes, stored[start : start + elements * size]

    def get(self, name: str) -> SimValue:
        """The value by name: `Speed`, `Fault[59]` (a bit of a BOOL array), `Count.ACC`."""
        symbol, index, member = self._find(name)
        with self._lock:
            if member:
                at = index * COUNTER_SIZE + COUNTER_WORDS[member]
                return int.from_bytes(symbol.stored[at : at + 4], "little", signed=True)
            values = list(struct.iter_unpack(_layout(symbol), symbol.stored))
        flat = [value for (value,) in values]
        if symbol.type_name == "DWORD":
            bits = [bool(word >> n & 1) for word in flat for n in range(DWORD_BITS)]
            return bits[index] if "[" in name else bits
        if symbol.type_name == "BOOL":
            flat = [bool(value) for value in flat]
        return flat[index] if "[" in name or not symbol.elements else flat

    def set(self, name: str, value: SimValue) -> None:
        """Put a value where `get` finds it; a list fills the array from its start."""
        symbol, index, member = self._find(name)
        if member:
            at, layout, values = index * COUNTER_SIZE + COUNTER_WORDS[member], "<i", [value]
        else:
            at, layout = index * symbol.element_size, _layout(symbol)
            values = list(value) if isinstance(value, Sequence) else [value]
        with self._lock:
            if symbol.type_name == "DWORD":
                _put_bits(symbol.stored, index, [bool(bit) for bit in values])
                return
            packed = b"".join(struct.pack(layout, _fit(symbol, one)) for one in values)
            if at + len(packed) > len(symbol.stored):
                raise BeyondTheEnd(name)
            symbol.stored[at : at + len(packed)] = packed

    def _find(self, name: str) -> tuple[Symbol, int, str]:
        match = _NAME.fullmatch(name)
        if match is None:
            raise NoSuchTag(name)
        symbol, member = self.symbol(match[1]), match[3] or ""
        if member and (symbol.type_name != "COUNTER" or member not in COUNTER_WORDS):
            raise NoSuchTag(name)
        if symbol.type_name == "COUNTER" and not member:
            raise NoSuchTag(f"{name}, without a member")
        index = int(match[2] or 0)
        bits = DWORD_BITS if symbol.type_name == "DWORD" else 1
        if index >= max(1, symbol.elements) * bits:
            raise BeyondTheEnd(name)
        return symbol, index, member


def _layout(symbol: Symbol) -> str:
    return "<" + ATOMIC[symbol.type_name][1]


def _fit(symbol: Symbol, value: object) -> Number:
    if not isinstance(value, bool | int | float):
        raise TypeError(f"{symbol.name} holds numbers, not {value!r}")
    if symbol.type_name in {"REAL", "LREAL"}:
        return float(value)
    return 0xFF * bool(value) if symbol.type_name == "BOOL" else int(value)


def _put_bits(stored: bytearray, first: int, bits: list[bool]) -> None:
    if first + len(bits) > 8 * len(stored):
        raise BeyondTheEnd(f"bit {first + len(bits) - 1}")
    for place, bit in enumerate(bits, first):
        at, mask = place // 8, 1 << place % 8
        stored[at] = stored[at] | mask if bit else stored[at] & ~mask


def _counter_member(symbol: Symbol, member: str, stored: bytes) -> tuple[bytes, bytes]:
    if symbol.type_name == "COUNTER" and member in COUNTER_WORDS:
        at = COUNTER_WORDS[member]
        return struct.pack("<H", ATOMIC["DINT"][0]), stored[at : at + 4]
    if symbol.type_name == "COUNTER" and member in COUNTER_FLAGS:
        flag = int.from_bytes(stored[:4], "little") >> COUNTER_FLAGS[member] & 1
        return struct.pack("<H", ATOMIC["BOOL"][0]), bytes([0xFF * flag])
    raise NoSuchTag(f"{symbol.name}.{member}")
