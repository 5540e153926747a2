"""The tags of a simulated Logix controller, as bytes, the way a controller keeps them."""

import re
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.simulator.structures import ATOMIC, STRUCTURES, Member, Structure

Number = bool | int | float
SimValue = Number | Sequence[Number]

_NAME = re.compile(r"((?:Program:\w+\.)?[A-Za-z_][\w:]*)(?:\[(\d+)\])?(?:\.(\w+))?")

DWORD_BITS = 32


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
    def structure(self) -> Structure | None:
        return STRUCTURES.get(self.type_name)

    @property
    def element_size(self) -> int:
        if self.structure is not None:
            return self.structure.size
        return struct.calcsize("<" + ATOMIC[self.type_name][1])

    @property
    def type_bytes(self) -> bytes:
        """What a read reply says of the type: a code, and for a structure its handle."""
        if self.structure is not None:
            return self.structure.type_bytes
        return struct.pack("<H", ATOMIC[self.type_name][0])

    @property
    def symbol_type(self) -> int:
        """The symbol type word of the tag list: structure bit, dimensions, code or template."""
        dimensions = 0x2000 if self.elements else 0
        if self.structure is not None:
            return 0x8000 | dimensions | self.structure.handle
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
            many = _member(symbol, member).count
            if elements > max(1, many) or start + size > len(stored):
                raise BeyondTheEnd(name)
            return _member(symbol, member).of(stored[start : start + size])
        if elements < 1 or start + elements * size > len(stored):
            raise BeyondTheEnd(name)
        return symbol.type_bytes, stored[start : start + elements * size]

    def get(self, name: str) -> SimValue:
        """The value by name: `Speed`, `Fault[59]` (a bit of a BOOL array), `Count.ACC`."""
        symbol, index, member = self._find(name)
        with self._lock:
            if member:
                found, at = _member(symbol, member), index * symbol.element_size
                _, raw = found.of(bytes(symbol.stored[at : at + symbol.element_size]))
                (value, *_) = struct.unpack_from("<" + ATOMIC[found.type_name][1], raw)
                return bool(value) if found.type_name == "BOOL" else value
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
            found, base = _member(symbol, member), index * symbol.element_size
            if found.type_name == "BOOL":
                with self._lock:
                    _put_bits(symbol.stored, 8 * base + found.at, [bool(value)])
                return
            kind, at, values = found.type_name, base + found.at, [value]
            layout = "<" + ATOMIC[kind][1]
        else:
            kind = symbol.type_name
            at, layout = index * symbol.element_size, _layout(symbol)
            values = list(value) if isinstance(value, Sequence) else [value]
        with self._lock:
            if symbol.type_name == "DWORD":
                _put_bits(symbol.stored, index, [bool(bit) for bit in values])
                return
            packed = b"".join(struct.pack(layout, _fit(kind, one)) for one in values)
            if at + len(packed) > len(symbol.stored):
                raise BeyondTheEnd(name)
            symbol.stored[at : at + len(packed)] = packed

    def write_text(self, name: str, text: str) -> None:
        """Put a text into a tag of a string type."""
        symbol = self.symbol(name)
        room = _member(symbol, "DATA").count
        raw = text.encode()[:room]
        with self._lock:
            symbol.stored[:] = (struct.pack("<I", len(raw)) + raw).ljust(
                symbol.element_size, b"\0"
            )

    def _find(self, name: str) -> tuple[Symbol, int, str]:
        match = _NAME.fullmatch(name)
        if match is None:
            raise NoSuchTag(name)
        symbol, member = self.symbol(match[1]), match[3] or ""
        if member:
            _member(symbol, member)
        elif symbol.structure is not None:
            raise NoSuchTag(f"{name}, without a member")
        index = int(match[2] or 0)
        bits = DWORD_BITS if symbol.type_name == "DWORD" else 1
        if index >= max(1, symbol.elements) * bits:
            raise BeyondTheEnd(name)
        return symbol, index, member


def _layout(symbol: Symbol) -> str:
    return "<" + ATOMIC[symbol.type_name][1]


def _fit(type_name: str, value: object) -> Number:
    if not isinstance(value, bool | int | float):
        raise TypeError(f"a {type_name} holds a number, not {value!r}")
    if type_name in {"REAL", "LREAL"}:
        return float(value)
    return 0xFF * bool(value) if type_name == "BOOL" else int(value)


def _put_bits(stored: bytearray, first: int, bits: list[bool]) -> None:
    if first + len(bits) > 8 * len(stored):
        raise BeyondTheEnd(f"bit {first + len(bits) - 1}")
    for place, bit in enumerate(bits, first):
        at, mask = place // 8, 1 << place % 8
        stored[at] = stored[at] | mask if bit else stored[at] & ~mask


def _member(symbol: Symbol, name: str) -> Member:
    """The member of a structure. Raises NoSuchTag."""
    members = symbol.structure.members if symbol.structure is not None else {}
    if name not in members:
        raise NoSuchTag(f"{symbol.name}.{name}")
    return members[name]
