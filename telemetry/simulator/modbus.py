"""A Modbus TCP device on pymodbus's own server, with named values in its registers."""

import asyncio
import functools
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from telemetry.simulator.faults import Faults
from telemetry.simulator.memory import SimValue

BITS = {"coil", "discrete"}
TABLES = ("coil", "discrete", "holding", "input")
READS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
ERROR = 0x80
LAYOUTS = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "float32": "f",
    "int64": "q",
    "uint64": "Q",
    "float64": "d",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A named value: its table, zero-based address, type, byte order; 0 is the server's own device."""

    name: str
    table: str
    number: int
    data_type: str = "uint16"
    order: str = "ABCD"
    device_id: int = 0

    @property
    def count(self) -> int:
        return 1 if self.table in BITS else struct.calcsize(LAYOUTS[self.data_type]) // 2


@dataclass(slots=True)
class ModbusStats:
    """What a simulated device has seen since it was made.

    `functions` are of existing addresses; `writes` is whatever was asked that is none of the four reads.
    """

    connections: int = 0
    writes: int = 0
    functions: Counter[int] = field(default_factory=Counter)


class _Spoiling(ServerRequestHandler):
    """pymodbus's own side of a connection, whose replies go out the way the faults say."""

    def __init__(self, owner: "_Server", faults: Callable[[], Faults]) -> None:
        super().__init__(owner, None, None, owner.trace_connect)  # type: ignore[no-untyped-call]
        self._faults = faults
        self._note_function = owner.note_function
        self._before = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Note what is asked, which pymodbus answers by itself where it is no read."""
        *_, body = self.framer.decode(data)
        if body:
            self._note_function(body[0])
        return super().callback_data(data, addr)

    def send(self, data: bytes, addr: tuple[str, int] | None = None) -> None:
        faults = self._faults()
        before, self._before = self._before, data
        if not faults.due():
            super().send(data, addr)
            return
        if faults.short or faults.misnumbered or faults.message is not None:
            data = self._reframed(data, faults)
        data = faults.garbage or (before if faults.stale else data)
        task = self.loop.create_task(self._leave(data, faults))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self, data: bytes, faults: Faults) -> None:
        await asyncio.sleep(faults.delay_s)
        if faults.drop:
            return
        if faults.stall_mid or faults.close_mid:
            super().send(data[: len(data) // 2])
            if faults.close_mid:
                self.close()
            return
        if faults.twice_after_s:
            super().send(data)
            await asyncio.sleep(faults.twice_after_s)
        pieces = [data[at : at + 1] for at in range(len(data))] if faults.drip_s else [data]
        for piece in pieces:
            super().send(piece)
            await asyncio.sleep(faults.drip_s)

    def _reframed(self, data: bytes, faults: Faults) -> bytes:
        """The reply with a value missing, another number or another message, framed as it should be."""
        is_rtu = isinstance(self.framer, FramerRTU)
        device, body = (data[0], data[1:-2]) if is_rtu else (data[6], data[7:])
        number = int.from_bytes(data[:2], "big")
        if faults.short and body[0] < ERROR:
            body = bytes([body[0], body[1] - 2]) + body[2:-2]
        body = body if faults.message is None else faults.message
        device += faults.misnumbered and is_rtu
        number += faults.misnumbered
        frame: bytes = self.framer.encode(body, device, number & 0xFFFF)
        return frame


class _Server(ModbusTcpServer):
    """pymodbus's own server, with connections that can be spoilt."""

    faults: Callable[[], Faults]
    note_function: Callable[[int], None]

    def callback_new_connection(self) -> _Spoiling:
        return _Spoiling(self, self.faults)


class ModbusServer:
    """Modbus devices on a TCP port: they can go off the network and come back.

    `rtu` frames as on a serial line, which has no numbers of requests.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        device_id: int = 1,
        rtu: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.device_id = device_id
        self.rtu = rtu
        self.stats = ModbusStats()
        self.faults = Faults()
        self.silent_devices: set[int] = set()
        """Devices that are there and do not answer."""
        self.refused: set[int] = set()
        """Addresses, of any table, that are refused to whoever reads across them."""
        self._places = {place.name: place for place in places}
        self._values: dict[str, float] = dict.fromkeys(self._places, 0)
        self._words: dict[tuple[int, str, int], int] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._answered = threading.Event()
        self._last_device = 0
        self.power_up()

    def power_up(self) -> None:
        """All values are zero, as after a loss of power without a battery."""
        for name in self._places:
            self.set(name, 0)

    def get(self, name: str) -> float:
        with self._lock:
            return self._values[name]

    def set(self, name: str, value: SimValue) -> None:
        """Put a number into its registers. Raises KeyError for a name it does not have."""
        place = self._places[name]
        if isinstance(value, Sequence):
            raise TypeError(f"{name} holds one number")
        words = encode(place, value)
        with self._lock:
            self._values[name] = value
            for at, word in enumerate(words, place.number):
                self._words[place.device_id or self.device_id, place.table, at] = word

    def start(self) -> None:
        """Listen, from the second time on the port of the first. Raises OSError."""
        if self._thread is None:
            self._answered.clear()
            self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
            self._thread.start()
            self._answered.wait()
            if self._ended is None:
                self._thread.join()
                self._thread = None
                raise OSError(f"{self.host}:{self.port} cannot be listened on")

    def stop(self) -> None:
        """Off the network: nothing listens, and every client is cut off."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        server = _Server(
            self._devices(),
            framer=FramerType.RTU if self.rtu else FramerType.SOCKET,
            address=(self.host, self.port),
            trace_connect=self._count_connection,
        )
        server.faults = self._spoiling
        server.note_function = self.note_function
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            # pymodbus says no more than this; `start` raises OSError in the caller's thread.
            self._ended = None
            self._answered.set()
            return
        listener = cast(asyncio.Server, server.transport)
        self.port = listener.sockets[0].getsockname()[1]
        self._answered.set()
        await self._ended.wait()
        # First nobody is let in any more, then all who are half way in have arrived, and then
        # they are sent away: asyncio would leave open whom it lets in after the server closed.
        for sock in listener.sockets:
            self._loop.remove_reader(sock.fileno())
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=1)
        await server.shutdown()
        await asyncio.sleep(0)

    def _count_connection(self, connected: bool) -> None:  # noqa: FBT001  (pymodbus calls it)
        self.stats.connections += connected

    def note_function(self, function: int) -> None:
        """Count what is asked and is no read, wherever pymodbus answers it."""
        self.stats.writes += function not in READS

    def _spoiling(self) -> Faults:
        return Faults(drop=True) if self._last_device in self.silent_devices else self.faults

    def _devices(self) -> list[SimDevice]:
        numbers = {
            self.device_id,
            *(p.device_id or self.device_id for p in self._places.values()),
        }
        return [self._device(number) for number in sorted(numbers)]

    def _device(self, number: int) -> SimDevice:
        # pymodbus wants every table to hold something; the last address stands for nothing.
        blocks: dict[str, list[SimData]] = {}
        for table in TABLES:
            kind = DataType.BITS if table in BITS else DataType.REGISTERS
            zero: list[bool] | list[int] = [False] if table in BITS else [0]
            places = [
                p
                for p in self._places.values()
                if p.table == table and (p.device_id or self.device_id) == number
            ]
            blocks[table] = [
                SimData(p.number, count=p.count, values=zero, datatype=kind) for p in places
            ] or [SimData(0xFFFF, values=zero, datatype=kind)]
        return SimDevice(
            number,
            (blocks["coil"], blocks["discrete"], blocks["holding"], blocks["input"]),
            action=functools.partial(self._answer, number),
        )

    async def _answer(  # noqa: PLR0917  (pymodbus calls it so)
        self,
        device: int,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Put the present values where pymodbus is about to read them; refuse every write."""
        self.stats.functions[function] += 1
        self._last_device = device
        if written is not None or function not in READS:
            return ExcCodes.ILLEGAL_FUNCTION
        if self.refused & set(range(address, address + count)):
            return ExcCodes.ILLEGAL_ADDRESS
        table = READS[function]
        with self._lock:
            if table in BITS:
                for word in range(address // 16, address // 16 + count):
                    places = ((device, table, word * 16 + n) for n in range(16))
                    bits = (self._words.get(at, 0) << n for n, at in enumerate(places))
                    registers[word - start] = sum(bits)
            else:
                for at in range(address, address + count):
                    registers[at - start] = self._words.get((device, table, at), 0)
        return None


def encode(place: Place, value: float) -> list[int]:
    """The registers (or the one bit) that hold a value in the place's type and byte order."""
    if place.table in BITS:
        return [int(bool(value))]
    layout = LAYOUTS[place.data_type]
    number = float(value) if layout in "fd" else int(value)
    words = list(struct.unpack(f">{place.count}H", struct.pack(">" + layout, number)))
    if place.order in {"CDAB", "DCBA"}:
        words.reverse()
    if place.order in {"BADC", "DCBA"}:
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    return words
