"""The tags of a simulated Logix controller, as bytes, the way a controller keeps them."""

import math
import re
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.simulator.structures import ATOMIC, STRUCTURES, Structure

Number = bool | int | float
SimValue = Number | Sequence[Number]

Length = int | tuple[int, ...]
"""Of an array, or of each of its dimensions."""
Step = tuple[str, Sequence[int]]
"""A name on the way to a value, with the numbers of an element behind it."""

_NAME = re.compile(r"((?:Program:\w+\.)?[A-Za-z_][\w:]*)(?:\[([\d,]+)\])?")

DWORD_BITS = 32


class NoSuchTag(LookupError):
    """The name is not in the memory."""


class BeyondTheEnd(LookupError):
    """The element is not in the array."""


@dataclass(slots=True)
class Symbol:
    """A tag: its type, its dimensions (none when it is no array; a BOOL array's are of DWORDs)."""

    name: str
    type_name: str
    dimensions: tuple[int, ...]
    stored: bytearray

    @property
    def elements(self) -> int:
        return math.prod(self.dimensions) if self.dimensions else 0

    @property
    def structure(self) -> Structure | None:
        return STRUCTURES.get(self.type_name)

    @property
    def symbol_type(self) -> int:
        """The symbol type word of the tag list: structure bit, dimensions, code or template."""
        dimensions = 0x2000 * len(self.dimensions)
        if self.structure is not None:
            return 0x8000 | dimensions | self.structure.handle
        return dimensions | ATOMIC[self.type_name][0]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value lies in its symbol: its type, its first byte, how many there are from it on.

    A BOOL of a structure is a bit, counted from the start of the symbol.
    """

    type_name: str
    at: int
    left: int
    bit: int | None = None


class Memory:
    """Symbols by name; each read or write of a whole value is one step for other threads."""

    def __init__(self, definitions: Iterable[tuple[str, str, Length]]) -> None:
        self._lock = threading.Lock()
        self._symbols: dict[str, Symbol] = {}
        self.changes = 0
        for name, type_name, length in definitions:
            self.define(name, type_name, length)

    def define(self, name: str, type_name: str, length: Length = 1) -> None:
        """A tag of zeros; one that exists is replaced, as by a program download."""
        dimensions = length if isinstance(length, tuple) else (length,) * (length > 1)
        if type_name == "BOOL" and dimensions:
            type_name, dimensions = "DWORD", (-(-math.prod(dimensions) // DWORD_BITS),)
        symbol = Symbol(name, type_name, dimensions, bytearray())
        symbol.stored = bytearray(size_of(type_name) * max(1, symbol.elements))
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

    def read(self, steps: Sequence[Step], elements: int) -> tuple[bytes, bytes]:
        """Type and bytes of so many elements. Raises NoSuchTag, BeyondTheEnd."""
        symbol = self.symbol(steps[0][0])
        place = _place(symbol, steps)
        if not 1 <= elements <= place.left:
            raise BeyondTheEnd(symbol.name)
        with self._lock:
            stored = bytes(symbol.stored)
        if place.bit is not None:
            on = stored[place.bit // 8] >> place.bit % 8 & 1
            return type_bytes("BOOL"), bytes([0xFF * on])
        size = elements * size_of(place.type_name)
        return type_bytes(place.type_name), stored[place.at : place.at + size]

    def get(self, name: str) -> SimValue:
        """The value by name: `Speed`, `Fault[59]` (a bit of a BOOL array), `Count.ACC`, `Grid[1,2]`."""
        symbol, place, is_element = self._find(name)
        with self._lock:
            if place.bit is not None:
                return bool(symbol.stored[place.bit // 8] >> place.bit % 8 & 1)
            size = size_of(place.type_name) * (1 if is_element else place.left)
            layout = "<" + ATOMIC[place.type_name][1]
            raw = symbol.stored[place.at : place.at + size]
        flat: list[Number] = [value for (value,) in struct.iter_unpack(layout, raw)]
        if place.type_name == "DWORD" and not is_element:
            return [bool(int(word) >> n & 1) for word in flat for n in range(DWORD_BITS)]
        if place.type_name == "BOOL":
            flat = [bool(value) for value in flat]
        return flat if not is_element else flat[0]

    def set(self, name: str, value: SimValue) -> None:
        """Put a value where `get` finds it; a list fills the array from its start."""
        symbol, place, _ = self._find(name)
        values = list(value) if isinstance(value, Sequence) else [value]
        bits = [bool(one) for one in values]
        with self._lock:
            if place.bit is not None:
                _put_bits(symbol.stored, place.bit, bits)
            elif place.type_name == "DWORD":
                _put_bits(symbol.stored, 8 * place.at, bits)
            else:
                layout = "<" + ATOMIC[place.type_name][1]
                if len(values) > place.left:
                    raise BeyondTheEnd(name)
                fit = (_fit(place.type_name, one) for one in values)
                packed = b"".join(struct.pack(layout, one) for one in fit)
                symbol.stored[place.at : place.at + len(packed)] = packed

    def write_text(self, name: str, text: str) -> None:
        """Put a text into a tag of a string type, or into an element of an array of them."""
        steps = _steps(name)
        symbol = self.symbol(steps[0][0])
        place = _place(symbol, steps)
        size = size_of(place.type_name)
        room = STRUCTURES[place.type_name].members["DATA"].count
        raw = text.encode()[:room]
        with self._lock:
            symbol.stored[place.at : place.at + size] = (
                struct.pack("<I", len(raw)) + raw
            ).ljust(size, b"\0")

    def _find(self, name: str) -> tuple[Symbol, _Place, bool]:
        """Where a name leads, and whether that is one value. Raises NoSuchTag, BeyondTheEnd."""
        steps = _steps(name)
        symbol = self.symbol(steps[0][0])
        last, numbers = steps[-1]
        whole = _place(symbol, [*steps[:-1], (last, ())])
        if whole.type_name == "DWORD" and numbers:
            # Of a BOOL array people name the bits, whatever the wire calls an element.
            if numbers[0] >= DWORD_BITS * whole.left:
                raise BeyondTheEnd(name)
            return symbol, _Place("BOOL", 0, 1, bit=8 * whole.at + numbers[0]), True
        place = _place(symbol, steps)
        if place.type_name in STRUCTURES:
            raise NoSuchTag(f"{name}, without a member")
        return symbol, place, bool(numbers) or place.left == 1


def size_of(type_name: str) -> int:
    """The bytes of one value of a type."""
    structure = STRUCTURES.get(type_name)
    return structure.size if structure else struct.calcsize("<" + ATOMIC[type_name][1])


def type_bytes(type_name: str) -> bytes:
    """What a read reply says of the type: a code, and for a structure its handle."""
    structure = STRUCTURES.get(type_name)
    return structure.type_bytes if structure else struct.pack("<H", ATOMIC[type_name][0])


def _steps(name: str) -> list[Step]:
    """The names on the way to a value, with their elements. Raises NoSuchTag."""
    steps: list[Step] = []
    program, dot, rest = name.partition(".") if name.startswith("Program:") else ("", "", name)
    for part in rest.split("."):
        match = _NAME.fullmatch(part)
        if match is None:
            raise NoSuchTag(name)
        numbers = tuple(int(number) for number in match[2].split(",")) if match[2] else ()
        steps.append((match[1], numbers))
    return [(program + dot + steps[0][0], steps[0][1]), *steps[1:]]


def _place(symbol: Symbol, steps: Sequence[Step]) -> _Place:
    """Where the steps lead from a symbol. Raises NoSuchTag, BeyondTheEnd."""
    type_name, at, dimensions = symbol.type_name, 0, symbol.dimensions
    number = _element(symbol.name, steps[0][1], dimensions)
    at, left = number * size_of(type_name), max(1, math.prod(dimensions)) - number
    for name, numbers in steps[1:]:
        structure = STRUCTURES.get(type_name)
        if structure is None or name not in structure.members:
            raise NoSuchTag(f"{symbol.name}.{name}")
        member = structure.members[name]
        if member.type_name == "BOOL":
            return _Place("BOOL", at, 1, bit=8 * at + member.at)
        type_name, dimensions = member.type_name, (member.count,) * bool(member.count)
        number = _element(f"{symbol.name}.{name}", numbers, dimensions)
        at += member.at + number * size_of(type_name)
        left = max(1, member.count) - number
    return _Place(type_name, at, left)


def _element(name: str, numbers: Sequence[int], dimensions: Sequence[int]) -> int:
    """The place of an element in its array, whose last number moves fastest. Raises BeyondTheEnd."""
    if not numbers:
        return 0
    if len(numbers) != len(dimensions):
        raise BeyondTheEnd(name)
    place = 0
    for number, length in zip(numbers, dimensions, strict=True):
        if number >= length:
            raise BeyondTheEnd(name)
        place = place * length + number
    return place


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
