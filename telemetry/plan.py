"""Which requests a set of tags needs: few, within the limits, none of it twice (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from telemetry.address import (
    REGISTER_BITS,
    AddressError,
    ModbusAddress,
    Table,
    parse_modbus,
)
from telemetry.drivers.base import DataType, TagSpec

MAX_REGISTERS = 125
MAX_BITS = 2000

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


@dataclass(frozen=True, slots=True)
class Limits:
    """How a Modbus device may be asked.

    `max_gap` is how many unwanted addresses may be read along to save a request. The other two
    bound one request; the protocol itself allows no more than their defaults.
    """

    max_gap: int = 16
    max_registers: int = MAX_REGISTERS
    max_bits: int = MAX_BITS

    def of(self, table: Table) -> int:
        """The most addresses of this table that one request may carry."""
        if table.of_bits:
            return max(1, min(self.max_bits, MAX_BITS))
        return max(1, min(self.max_registers, MAX_REGISTERS))


@dataclass(frozen=True, slots=True)
class Point:
    """One tag in a Modbus table: the half-open range [start, start + count) it covers.

    `key` is the caller's own: its place among the tags asked for.
    """

    key: int
    device_id: int
    table: Table
    start: int
    count: int

    @property
    def end(self) -> int:
        return self.start + self.count


@dataclass(frozen=True, slots=True)
class Block:
    """One Modbus read request and the points it answers."""

    device_id: int
    table: Table
    start: int
    count: int
    points: tuple[Point, ...]


def modbus_point(key: int, spec: TagSpec) -> Point:
    """Where a tag lies. Raises AddressError when its type does not fit its table."""
    address = parse_modbus(spec.address)
    if spec.length < 1:
        raise AddressError(f"{spec.address} has length {spec.length}; it must be 1 or more.")
    if not 0 <= spec.device_id <= 0xFF:
        raise AddressError(f"Device id {spec.device_id} does not exist; it is 0 to 255.")
    count = _addresses_of(spec, address)
    if address.number + count > 0x10000:
        raise AddressError(f"{spec.address} with {count} addresses ends beyond 65535.")
    return Point(key, spec.device_id, address.table, address.number, count)


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


def plan_blocks(points: Iterable[Point], limits: Limits) -> list[Block]:
    """Requests that together cover every point once, in the order of their addresses.

    A point is never cut in two. Raises AddressError when one point alone needs more than a
    request may carry; `check_point` tells beforehand.
    """

    def place(point: Point) -> tuple[int, str]:
        return (point.device_id, point.table.value)

    ordered = sorted(points, key=lambda p: (place(p), p.start, p.end, p.key))
    blocks: list[Block] = []
    for _, neighbours in groupby(ordered, key=place):
        held: list[Point] = []
        end = 0
        for point in neighbours:
            check_point(point, limits)
            reach = max(end, point.end)
            near = not held or point.start - end <= limits.max_gap
            fits = not held or reach - held[0].start <= limits.of(point.table)
            if not (near and fits):
                blocks.append(_block(held))
                held, reach = [], point.end
            held.append(point)
            end = reach
        blocks.append(_block(held))
    return blocks


def check_point(point: Point, limits: Limits) -> None:
    """Nothing, or AddressError when the point does not fit into one request."""
    limit = limits.of(point.table)
    if point.count > limit:
        raise AddressError(
            f"{point.table}:{point.start} needs {point.count} addresses at once; "
            f"one request carries {limit}."
        )


def halves(block: Block) -> list[Block]:
    """The block as two smaller ones, each covering only its own points, to find a bad one.

    Log2 of the points many rounds isolate one bad address. A block of one point gives nothing.
    """
    if len(block.points) < 2:
        return []
    middle = len(block.points) // 2
    return [_block(block.points[:middle]), _block(block.points[middle:])]


def _block(points: Sequence[Point]) -> Block:
    first = points[0]
    end = max(point.end for point in points)
    return Block(first.device_id, first.table, first.start, end - first.start, tuple(points))


@dataclass(frozen=True, slots=True)
class ReadSize:
    """What reading one Logix tag takes in bytes: in the request and in the reply."""

    request: int
    reply: int


def plan_packets(sizes: Sequence[ReadSize], limit: int) -> tuple[list[list[int]], list[int]]:
    """Indexes of reads grouped into multi-service packets, and of those too large for one.

    Neither the requests nor the replies of a group exceed `limit` bytes, the caller's count of
    what is left after the packet's own overhead. Order is kept.
    """
    groups: list[list[int]] = []
    large: list[int] = []
    request = reply = limit + 1
    for index, size in enumerate(sizes):
        if max(size.request, size.reply) > limit:
            large.append(index)
            continue
        request, reply = request + size.request, reply + size.reply
        if max(request, reply) > limit:
            groups.append([])
            request, reply = size.request, size.reply
        groups[-1].append(index)
    return groups, large
