"""Modbus TCP devices read in blocks."""

import logging
import time
from collections.abc import Callable

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from telemetry.address import AddressError, Table
from telemetry.decode import Undecodable, decode_bits, decode_registers
from telemetry.drivers.base import Endpoint, LinkDown, Value
from telemetry.drivers.deadline import DeadlineSocket
from telemetry.drivers.reader import Answers, Reader
from telemetry.plan import Block, Limits, Point, check_point, halves, modbus_point, plan_blocks

# What it would log comes back as a LinkDown or a bad reading; a line per poll helps nobody.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

ILLEGAL_ADDRESS = 2
EXCEPTIONS = {
    1: "illegal function",
    ILLEGAL_ADDRESS: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}
# Requests that one read may spend, beyond its plan, on finding bad addresses inside blocks.
EXTRA_REQUESTS = 32


class _Client(ModbusTcpClient):
    """pymodbus's client on a socket with one deadline, which it cannot reopen by itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(
            endpoint.host, port=endpoint.port, timeout=endpoint.timeout_s, retries=0
        )
        self.link = DeadlineSocket(endpoint.host, endpoint.port)

    def connect(self) -> bool:
        return True

    def send(self, request: bytes, addr: tuple[str, int] | None = None) -> int:
        del addr
        self.link.send(request)
        return len(request)

    def recv(self, size: int | None) -> bytes:
        return self.link.receive_some(size or 4096)


class ModbusReader(Reader):
    """Reads blocks of neighbouring addresses, and counts what came against what was asked."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._limits = Limits(**endpoint.options)
        self._client: _Client | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    def _connect(self) -> None:
        self._client = _Client(self.endpoint)
        self._client.link.allow(self.endpoint.timeout_s)
        self._client.link.connect()

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.link.close()

    def _interrupt(self) -> None:
        client = self._client
        if client is not None:
            client.link.interrupt()

    def _ask(self, answers: Answers) -> None:
        client = self._client
        if client is None:
            raise LinkDown(f"{self.peer} is not connected.")
        client.link.allow(self.endpoint.timeout_s)
        # A device that answers slowly must not lose its good addresses to the search for the
        # bad ones, so that may take half of the time at most.
        search_until = time.monotonic() + self.endpoint.timeout_s / 2
        spare = EXTRA_REQUESTS
        waiting = plan_blocks(_points(answers, self._limits), self._limits)[::-1]
        while waiting:
            block = waiting.pop()
            refused = self._read_block(client, block, answers)
            parts = halves(block) if refused == ILLEGAL_ADDRESS else []
            if parts and spare >= len(parts) and time.monotonic() < search_until:
                spare -= len(parts)
                waiting.extend(reversed(parts))
            elif refused:
                _refuse(block, refused, answers)

    def _read_block(self, client: _Client, block: Block, answers: Answers) -> int:
        """Read one block; the exception code of the device, 0 when it gave the values."""
        request = _requests(client)[block.table]
        try:
            reply = request(block.start, count=block.count, device_id=block.device_id)
        except (ModbusException, ValueError, IndexError) as error:
            raise LinkDown(f"{self.peer} sent no Modbus answer: {error}.") from error
        asked = _FUNCTION[block.table]
        if reply.function_code & 0x7F != asked:
            raise LinkDown(f"{self.peer} answered function {reply.function_code}, not {asked}.")
        at = answers.arrived()
        if isinstance(reply, ExceptionResponse):
            return reply.exception_code or ILLEGAL_ADDRESS
        for point in block.points:
            try:
                answers.good(point.key, _value(block, point, answers, reply), at)
            except Undecodable as error:
                answers.bad(point.key, str(error), at)
        return 0


def _points(answers: Answers, limits: Limits) -> list[Point]:
    """Where the specs lie; those that lie nowhere are bad at once."""
    points = []
    for key, spec in enumerate(answers.specs):
        try:
            point = modbus_point(key, spec)
            check_point(point, limits)
        except AddressError as error:
            answers.bad(key, str(error))
        else:
            points.append(point)
    return points


def _value(block: Block, point: Point, answers: Answers, reply: ModbusPDU) -> Value:
    """The value of one point of a block. Raises Undecodable when the reply is too short.

    The library takes a short reply for a success, and pads bits to a whole byte.
    """
    spec = answers.specs[point.key]
    own = slice(point.start - block.start, point.end - block.start)
    got = len(reply.bits if block.table.of_bits else reply.registers)
    due = -(-block.count // 8) * 8 if block.table.of_bits else block.count
    if got != due:
        raise Undecodable(f"{spec.address}: {got} values came where {due} were due.")
    if block.table.of_bits:
        return decode_bits(reply.bits[own])
    return decode_registers(spec, reply.registers[own])


def _refuse(block: Block, code: int, answers: Answers) -> None:
    name = EXCEPTIONS.get(code, f"exception {code}")
    at = answers.arrived()
    for point in block.points:
        answers.bad(point.key, f"{answers.specs[point.key].address}: {name}.", at)


_FUNCTION = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}


def _requests(client: _Client) -> dict[Table, Callable[..., ModbusPDU]]:
    return {
        Table.COIL: client.read_coils,
        Table.DISCRETE: client.read_discrete_inputs,
        Table.HOLDING: client.read_holding_registers,
        Table.INPUT: client.read_input_registers,
    }
