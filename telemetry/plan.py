"""Which requests a set of tags needs: few, within the limits, none of it twice (pure)."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple, Protocol

from telemetry.address import (
    DWORD_BITS,
    REGISTER_BITS,
    SLC_BITS,
    AddressError,
    LogixTarget,
    ModbusAddress,
    SlcAddress,
    SlcFile,
    Table,
    logix_place,
    parse_modbus,
    parse_slc,
)
from telemetry.drivers.base import DataType, TagSpec

MAX_REGISTERS = 125
MAX_BITS = 2000
SLC_BYTES = 236
"""What one reply of an SLC carries."""

REGISTERS_OF = {
    DataType.INT16: 1,
    DataType.UINT16: 1,
    DataType.INT32: 2,
    DataType.UINT32: 2,
    DataType.FLOAT32: 2,
    DataType.INT64: 4,
    DataType.UINT64: 4,
    DataType.FLOAT64: 4,
}
SLC_SIZES = {
    SlcFile.TIMER: 6,
    SlcFile.COUNTER: 6,
    SlcFile.CONTROL: 6,
    SlcFile.FLOAT: 4,
    SlcFile.LONG: 4,
    SlcFile.TEXT: 84,
}
"""Bytes of an element where it is not one word."""
LOGIX_SIZES = {
    DataType.BOOL: 1,
    DataType.INT8: 1,
    DataType.UINT8: 1,
    DataType.INT16: 2,
    DataType.UINT16: 2,
    DataType.INT32: 4,
    DataType.UINT32: 4,
    DataType.INT64: 8,
    DataType.UINT64: 8,
    DataType.FLOAT32: 4,
    DataType.FLOAT64: 8,
    DataType.STRING: 88,
}
LOGIX_GAP_BYTES = 64
"""Unwanted bytes that cost no more than another read in the packet: its name, its status, its type."""
LOGIX_REPLY_OVERHEAD = 10
"""What one read costs in the reply besides its values: its offset, its status and its type."""


class ModbusArea(NamedTuple):
    """Addresses that can share a request: one table of one device."""

    device_id: int
    table: Table


class SlcArea(NamedTuple):
    """Elements that can share a request: one data file, or one slot of an input or output file."""

    file: SlcFile
    number: int
    slot: int = 0

    @property
    def size(self) -> int:
        """The bytes of an element, or of a word of a slot."""
        return SLC_SIZES.get(self.file, 2)


class LogixArea(NamedTuple):
    """Elements that can share a request: one array by the path to it; or a tag that is none.

    `size` is what the tags say of an element in bytes; the PLC may know it better.
    """

    path: str
    size: int
    packed: bool = False


Area = ModbusArea | SlcArea | LogixArea
Border = tuple[Area, int]
"""An address that no request may reach across: it may begin there, or end before it."""


class BlockLimits(Protocol):
    """How far one request may reach."""

    def gap(self, area: Area) -> int:
        """How many unwanted addresses of this area may be read along to save a request."""
        ...

    def of(self, area: Area) -> int:
        """The most addresses of this area that one request may carry."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How a Modbus device may be asked.

    `max_gap` is how many unwanted addresses may be read along to save a request. The other two
    bound one request; the protocol itself allows no more than their defaults.
    """

    max_gap: int = 16
    max_registers: int = MAX_REGISTERS
    max_bits: int = MAX_BITS

    def gap(self, area: Area) -> int:
        """The same for every table."""
        del area
        return self.max_gap

    def of(self, area: Area) -> int:
        """The most addresses of this area that one request may carry."""
        if isinstance(area, ModbusArea) and area.table.of_bits:
            return max(1, min(self.max_bits, MAX_BITS))
        return max(1, min(self.max_registers, MAX_REGISTERS))


@dataclass(frozen=True, slots=True)
class SlcLimits:
    """How an SLC may be asked: by bytes, whatever the elements are."""

    max_gap: int = 16

    def gap(self, area: Area) -> int:
        """The same for every file."""
        del area
        return self.max_gap

    def of(self, area: Area) -> int:
        """The most elements that one request may carry."""
        return SLC_BYTES // (area.size if isinstance(area, SlcArea) else 2)


@dataclass(frozen=True, slots=True)
class LogixLimits:
    """How a Logix controller may be asked: with `room` bytes in a reply.

    `sizes` are of elements that have shown themselves larger than the tags say.
    """

    room: int
    sizes: Mapping[Area, int] = field(default_factory=dict)

    def size(self, area: Area) -> int:
        """The bytes of an element, as the PLC has shown them or else as the tags say."""
        return self.sizes.get(area) or (area.size if isinstance(area, LogixArea) else 1)

    def gap(self, area: Area) -> int:
        """As many elements as cost no more than another read."""
        return LOGIX_GAP_BYTES // self.size(area)

    def of(self, area: Area) -> int:
        """The most elements that one reply can carry."""
        return max(1, (self.room - LOGIX_REPLY_OVERHEAD) // self.size(area))


@dataclass(frozen=True, slots=True)
class Point:
    """One tag in an area: the half-open range [start, start + count) it covers.

    `key` is the caller's own: its place among the tags asked for. `element` is how many addresses make one
    value, which may move between two requests.
    """

    key: int
    area: Area
    start: int
    count: int
    element: int = 1

    @property
    def end(self) -> int:
        return self.start + self.count


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and the points it answers.

    A point that does not fit into one request is a block of its own, read in `pieces`.
    """

    area: Area
    start: int
    count: int
    points: tuple[Point, ...]

    def pieces(self, most: int) -> list[tuple[int, int]]:
        """Start and count of the requests that read it, none with more than so many addresses.

        An element is cut in two only when it is larger than a request by itself.
        """
        if self.count <= most:
            return [(self.start, self.count)]
        end, element = self.start + self.count, self.points[0].element
        step = most // element * element or most
        return [(at, min(step, end - at)) for at in range(self.start, end, step)]


def modbus_point(key: int, spec: TagSpec) -> Point:
    """Where a tag lies. Raises AddressError when its type does not fit its table."""
    address = parse_modbus(spec.address)
    _check_length(spec)
    if not 0 <= spec.device_id <= 0xFF:
        raise AddressError(f"Device id {spec.device_id} does not exist; it is 0 to 255.")
    count = _addresses_of(spec, address)
    is_text = spec.data_type == DataType.STRING
    element = count if is_text else REGISTERS_OF.get(spec.data_type, 1)
    if address.number + count > 0x10000:
        raise AddressError(f"{spec.address} with {count} addresses ends beyond 65535.")
    area = ModbusArea(spec.device_id, address.table)
    return Point(key, area, address.number, count, element)


def _check_length(spec: TagSpec) -> None:
    if spec.length < 1:
        raise AddressError(f"{spec.address} has length {spec.length}; it must be 1 or more.")


def _addresses_of(spec: TagSpec, address: ModbusAddress) -> int:
    if address.table.of_bits:
        if spec.data_type != DataType.BOOL:
            raise AddressError(f"{spec.address} holds bits, the tag says {spec.data_type}.")
        return spec.length
    if spec.data_type == DataType.BOOL:
        return -(-((address.bit or 0) + spec.length) // REGISTER_BITS)
    if address.bit is not None:
        raise AddressError(f"{spec.address} is a bit, the tag says {spec.data_type}.")
    if spec.data_type == DataType.STRING:
        return -(-spec.length // 2)
    if spec.data_type not in REGISTERS_OF:
        raise AddressError(f"{spec.address} is a register; {spec.data_type} does not fill one.")
    return REGISTERS_OF[spec.data_type] * spec.length


def slc_point(key: int, spec: TagSpec) -> Point:
    """Where a tag lies in a data file. Raises AddressError when its type does not fit it.

    A bool without a bit is "the word is not zero"; several are bits that run on into the next words.
    """
    address = parse_slc(spec.address)
    _check_length(spec)
    _check_slc_type(spec, address)
    bits = DWORD_BITS if address.file == SlcFile.LONG else REGISTER_BITS
    several = spec.length if spec.data_type != DataType.STRING else 1
    count = several
    if spec.data_type == DataType.BOOL and not address.member:
        count = -(-((address.bit or 0) + several) // bits)
    start = address.word if address.file.of_slots else address.element
    if start + count > 0x100:
        raise AddressError(f"{spec.address} with {count} elements ends beyond 255.")
    slot = address.element if address.file.of_slots else 0
    return Point(key, SlcArea(address.file, address.number, slot), start, count)


def _check_slc_type(spec: TagSpec, address: SlcAddress) -> None:
    words = {DataType.INT16, DataType.UINT16}
    fits = {
        SlcFile.FLOAT: {DataType.FLOAT32},
        SlcFile.LONG: {DataType.INT32, DataType.UINT32, DataType.BOOL},
        SlcFile.TEXT: {DataType.STRING},
    }.get(address.file, words | {DataType.BOOL})
    is_bit = address.bit is not None or address.member in SLC_BITS.get(address.file, {})
    if is_bit:
        fits = {DataType.BOOL}
    elif address.member:
        fits = words
    if spec.data_type not in fits:
        kinds = " or ".join(sorted(fits))
        raise AddressError(f"{spec.address} holds {kinds}, the tag says {spec.data_type}.")
    if spec.length > 1 and address.member:
        raise AddressError(f"{spec.address} is one value, the tag says {spec.length} of them.")


def logix_point(key: int, spec: TagSpec, target: LogixTarget) -> Point:
    """Where a tag lies in the array that its last index names; one without an index lies at the beginning.

    So an array asked for by its name is read together with its elements, and the bits of one integer
    together. The first point of a block is the one whose name reads from there.
    """
    path, start = logix_place(target.name)
    size = DWORD_BITS // 8 if target.packed else LOGIX_SIZES[spec.data_type]
    if target.bit is not None and not target.packed:
        # It may be a bit of the longest integer.
        size = LOGIX_SIZES[DataType.INT64]
    if spec.data_type == DataType.STRING:
        size = max(size, spec.length + 8)
    return Point(key, LogixArea(path, size, target.packed), start, target.elements)


def located(
    specs: Sequence[TagSpec], place: Callable[[int, TagSpec], Point]
) -> tuple[list[Point], list[tuple[int, str]]]:
    """Where the specs lie, by their places in the list; and of those that lie nowhere why.

    `place` raises AddressError.
    """
    points: list[Point] = []
    wrong: list[tuple[int, str]] = []
    for key, spec in enumerate(specs):
        try:
            points.append(place(key, spec))
        except AddressError as error:
            wrong.append((key, str(error)))
    return points, wrong


def plan_blocks(
    points: Iterable[Point], limits: BlockLimits, borders: Collection[Border] = frozenset()
) -> list[Block]:
    """Requests that together cover every point once, in the order of their addresses.

    A point is never cut in two, unless it is larger than any request. No block of several points reaches
    across a border.
    """
    ordered = sorted(points, key=lambda p: (p.area, p.start, p.end, p.key))
    blocks: list[Block] = []
    for area, neighbours in groupby(ordered, key=lambda p: p.area):
        limit = limits.of(area)
        own = sorted(at for place, at in borders if place == area)
        held: list[Point] = []
        end = 0
        for point in neighbours:
            reach = max(end, point.end)
            near = not held or point.start - end <= limits.gap(area)
            fits = not held or reach - held[0].start <= limit
            if not (near and fits) or (held and _across(own, held[0].start, reach)):
                blocks.append(_block(held))
                held, reach = [], point.end
            held.append(point)
            end = reach
        blocks.append(_block(held))
    return blocks


def _across(borders: Sequence[int], start: int, end: int) -> bool:
    """Whether a border lies inside [start, end); `borders` rise."""
    place = bisect_right(borders, start)
    return place < len(borders) and borders[place] < end


def halves(block: Block) -> list[Block]:
    """The block as two smaller ones, each covering only its own points, to find a bad one.

    Log2 of the places many rounds isolate one bad address. A block of one place gives nothing: to ask for
    some of the tags that lie there is to ask for the same.
    """
    parts = places(block)
    if len(parts) < 2:
        return []
    middle = len(parts) // 2
    return [
        _block([point for part in some for point in part.points])
        for some in (parts[:middle], parts[middle:])
    ]


def places(block: Block) -> list[Block]:
    """The block taken apart: one for each place in it, with all points that lie there."""
    by_place = groupby(block.points, key=lambda p: (p.start, p.count))
    return [_block(tuple(points)) for _, points in by_place]


def _block(points: Sequence[Point]) -> Block:
    first = points[0]
    end = max(point.end for point in points)
    return Block(first.area, first.start, end - first.start, tuple(points))
