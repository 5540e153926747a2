"""Modbus devices read in blocks: over TCP, on a serial line, or on a serial line behind TCP."""

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from telemetry.address import Table
from telemetry.backoff import back_off_s
from telemetry.decode import Undecodable, decode_bits, decode_registers
from telemetry.drivers.base import Endpoint, LinkDown, TagSpec, Value
from telemetry.drivers.blocks import BlockReader
from telemetry.drivers.lines import Client, Line, join, leave
from telemetry.drivers.reader import SETTLED_AFTER, Answers
from telemetry.plan import Block, Limits, ModbusArea, Point, modbus_point

# What it would log comes back as a LinkDown or a bad reading; a line per poll helps nobody.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
NO_GATEWAY_PATH, NO_GATEWAY_TARGET = 10, 11
EXCEPTIONS = {
    ILLEGAL_FUNCTION: "illegal function",
    ILLEGAL_ADDRESS: "illegal data address",
    ILLEGAL_VALUE: "illegal data value",
    DEVICE_FAILURE: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity error",
    NO_GATEWAY_PATH: "gateway path unavailable",
    NO_GATEWAY_TARGET: "gateway target did not answer",
}


class _Unreached(Exception):
    """A gateway says that the device behind it does not answer; the connection to the gateway is well."""


@dataclass(slots=True)
class _Silence:
    """A device on a line that does not answer, and until when it is left alone."""

    failures: int = 0
    until: float = 0.0


class ModbusReader(BlockReader):
    """Reads blocks of neighbouring addresses, and counts what came against what was asked.

    Of several devices behind one connection each has a deadline of its own, and one that is silent is left
    alone for a while, so that it costs the others nothing but its own time.
    """

    refusals = frozenset({ILLEGAL_ADDRESS, ILLEGAL_VALUE})
    doubtful = frozenset({ILLEGAL_FUNCTION, DEVICE_FAILURE})

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.limits = Limits(**endpoint.options)
        self._line: Line | None = None
        self._client: Client | None = None
        self._silent: dict[int, _Silence] = {}

    @property
    def connected(self) -> bool:
        return self._line is not None

    def _connect(self) -> None:
        self._line = join(self.endpoint)
        with self._line.turn(self.endpoint, self.load):
            pass

    def _disconnect(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            leave(line)

    def _interrupt(self) -> None:
        line, reading = self._line, self._client
        if line is not None and reading is not None:
            line.interrupt()

    def _ask(self, answers: Answers) -> None:
        now = time.monotonic()
        by_device = groupby(
            sorted(self._points(answers), key=lambda p: (_device(p), p.key)), key=_device
        )
        devices = [(device, list(points)) for device, points in by_device]
        left_alone = {d for d, _ in devices if now < self._silence(d).until}
        # Of devices that are all silent one is asked, or the line would seem to be well.
        if left_alone and len(left_alone) == len(devices):
            left_alone.remove(min(left_alone, key=lambda d: self._silence(d).until))
        down: LinkDown | None = None
        for device, points in devices:
            if device in left_alone:
                _all_bad(points, answers, f"Device {device} at {self.peer} does not answer.")
                continue
            try:
                self._ask_device(points, answers)
                self._silent.pop(device, None)
            except LinkDown as error:
                if len(devices) == 1:
                    raise
                down = error
                self._leave_alone(device)
                _all_bad(points, answers, str(error))
        if down is not None and not answers.heard:
            raise down

    def _ask_device(self, points: list[Point], answers: Answers) -> None:
        if self._line is None:
            raise LinkDown(f"{self.peer} is not connected.")
        unreached = ""
        try:
            with self._line.turn(self.endpoint, self.load) as self._client:
                try:
                    self._ask_blocks(points, answers)
                except _Unreached as error:
                    unreached = str(error)
        finally:
            self._client = None
        if unreached:
            raise LinkDown(f"Device {_device(points[0])} at {self.peer}: {unreached}.")

    def _silence(self, device: int) -> _Silence:
        return self._silent.get(device, _Silence())

    def _leave_alone(self, device: int) -> None:
        failures = self._silence(device).failures + 1
        wait_s = back_off_s(failures, random.random())  # noqa: S311 - jitter
        self._silent[device] = _Silence(failures, time.monotonic() + wait_s)

    def _point(self, key: int, spec: TagSpec) -> Point:
        return modbus_point(key, spec)

    def _read_block(self, block: Block, answers: Answers) -> int:
        """Read one block; the exception code of the device, 0 when it gave the values.

        Raises _Unreached, LinkDown.
        """
        try:
            values = self._whole(block)
        except Undecodable as short:
            at = answers.arrived()
            for point in block.points:
                answers.bad(point.key, f"{answers.specs[point.key].address}: {short}.", at)
            return 0
        if isinstance(values, int):
            if values in {NO_GATEWAY_PATH, NO_GATEWAY_TARGET}:
                raise _Unreached(self._why(values))
            return values
        _decoded(block, answers, values, answers.arrived())
        return 0

    def _whole(self, block: Block) -> Sequence[int] | int:
        """The values of a block, or the exception code with which it is refused.

        An element that comes in pieces may move between them, so that two readings in a row must be the
        same. Raises Undecodable, LinkDown.
        """
        area = block.area
        assert isinstance(area, ModbusArea)  # noqa: S101  (its own points have no other)
        most = self.limits.of(area)
        pieces = block.pieces(most)
        values = self._pieces(area, pieces)
        if isinstance(values, int) or block.points[0].element <= most:
            return values
        for _ in range(SETTLED_AFTER - 1):
            before, values = values, self._pieces(area, pieces)
            if isinstance(values, int) or values == before:
                return values
        raise Undecodable("it moves faster than its registers can be read")

    def _pieces(
        self, area: ModbusArea, pieces: Iterable[tuple[int, int]]
    ) -> Sequence[int] | int:
        """The values of these stretches, or the exception code of the first that is refused."""
        values: list[int] = []
        for start, count in pieces:
            reply = self._exchange(area, start, count)
            if isinstance(reply, ExceptionResponse):
                return reply.exception_code or ILLEGAL_ADDRESS
            came = reply.bits if area.table.of_bits else reply.registers
            # The library takes a short reply for a success, and pads bits to a whole byte.
            due = -(-count // 8) * 8 if area.table.of_bits else count
            if len(came) != due:
                raise self._short(len(came), due)
            values.extend(came[:count])
        return values

    def _short(self, came: int, due: int) -> Exception:
        """On a serial line the rest of a short reply may still come, and be taken for the next one."""
        if self._client is not None and self._client.by_number:
            return Undecodable(f"{came} values came where {due} were due")
        return self._down(f"sent {came} values where {due} were due")

    def _exchange(self, area: ModbusArea, start: int, count: int) -> ModbusPDU:
        """One request and its reply, which must be of this device and this function."""
        client = self._client
        if client is None:
            raise LinkDown(f"{self.peer} is not connected.")
        request = _requests(client)[area.table]
        try:
            reply = request(start, count=count, device_id=area.device_id)
        except (ModbusException, ValueError, IndexError) as error:
            raise self._down(f"sent no Modbus answer: {error}") from error
        asked = _FUNCTION[area.table]
        if reply.function_code & 0x7F != asked:
            raise self._down(f"answered function {reply.function_code}, not {asked}")
        return reply

    def _why(self, code: int) -> str:
        return EXCEPTIONS.get(code, f"exception {code}")


def _device(point: Point) -> int:
    return point.area.device_id if isinstance(point.area, ModbusArea) else 0


def _all_bad(points: Iterable[Point], answers: Answers, why: str) -> None:
    for point in points:
        if not answers.has(point.key):
            answers.bad(point.key, why)


def _decoded(block: Block, answers: Answers, values: Sequence[int], at: datetime) -> None:
    """Put the value of each point of a block into the answers."""
    for point in block.points:
        spec = answers.specs[point.key]
        own = values[point.start - block.start : point.end - block.start]
        try:
            answers.good(point.key, _value(block, spec, own), at)
        except Undecodable as error:
            answers.bad(point.key, str(error), at)


def _value(block: Block, spec: TagSpec, own: Sequence[int]) -> Value:
    if isinstance(block.area, ModbusArea) and block.area.table.of_bits:
        return decode_bits([bool(bit) for bit in own])
    return decode_registers(spec, own)


_FUNCTION = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}


def _requests(client: Client) -> dict[Table, Callable[..., ModbusPDU]]:
    return {
        Table.COIL: client.read_coils,
        Table.DISCRETE: client.read_discrete_inputs,
        Table.HOLDING: client.read_holding_registers,
        Table.INPUT: client.read_input_registers,
    }
