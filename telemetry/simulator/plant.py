"""The bakery on the network: its PLCs served on their ports and kept in step with the clock."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from telemetry.address import parse_modbus
from telemetry.scripted.script import Script
from telemetry.simulator.bakery import Bakery
from telemetry.simulator.bakery_tags import PLCS, PlcRow
from telemetry.simulator.control import ControlDoor
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory, SimValue
from telemetry.simulator.modbus import ModbusServer, Place
from telemetry.simulator.script import ScriptedBakery
from telemetry.simulator.slc import DataFiles, SlcServer

Server = LogixServer | SlcServer | ModbusServer

TICK_S = 0.1
LONGEST_TICK_S = 5.0


@dataclass(frozen=True, slots=True)
class BakeryPorts:
    """The TCP port of each simulated PLC; 0 takes any free one. No control port, no door."""

    bagger: int = 24818
    loader: int = 24819
    checkweigher: int = 25020
    casepacker: int = 25021
    control: int | None = None


class Plant:
    """The servers of the bakery, what a person has pinned in their memories, who is cut off."""

    def __init__(
        self,
        ports: BakeryPorts,
        *,
        host: str = "127.0.0.1",
        seed: int = 1,
        speedup: float = 1.0,
        script: Script | None = None,
    ) -> None:
        self.bakery = Bakery(seed) if script is None else ScriptedBakery(script, seed)
        self.speedup = speedup
        self.servers = {row.code: _server(row, host, ports) for row in PLCS}
        self._pins: dict[str, dict[str, SimValue]] = {code: {} for code in self.servers}
        self._cut_until: dict[str, float] = {}
        self._lock = threading.RLock()
        self._door = None if ports.control is None else ControlDoor(self, host, ports.control)

    def start(self) -> list[str]:
        """Listen everywhere; a line for each: who, which protocol, where. Raises OSError."""
        self.tick(0.0)
        lines = []
        try:
            for row in PLCS:
                server = self.servers[row.code]
                server.start()
                lines.append(f"{row.code} {row.protocol} {server.host}:{server.port}")
            if self._door is not None:
                self._door.start()
                lines.append(f"control text {self._door.host}:{self._door.port}")
        except OSError:
            self.stop()
            raise
        return lines

    def stop(self) -> None:
        if self._door is not None:
            self._door.stop()
        for server in self.servers.values():
            server.stop()

    def tick(self, elapsed_s: float) -> None:
        """Let time pass in the bakery and put its values into the memories, then the pins."""
        with self._lock:
            self.bakery.step(elapsed_s * self.speedup)
            for code, values in self.bakery.values().items():
                self._put(code, (values | self._pins[code]).items())

    def network(self, now_s: float) -> None:
        """Cut off and bring back the PLCs that the bakery or a person wants so."""
        with self._lock:
            cut = {code for code, until in self._cut_until.items() if now_s < until}
            cut |= self.bakery.offline()
        for code, server in self.servers.items():
            if code in cut:
                server.stop()
            else:
                server.start()

    def get(self, plc: str, name: str) -> SimValue:
        return self.servers[plc].get(name)

    def pin(self, plc: str, name: str, value: float) -> None:
        """Put a value into a memory and keep it there. Raises LookupError, ValueError."""
        with self._lock:
            self._put(plc, [(name, value)])
            self._pins[plc][name] = value

    def free(self, plc: str) -> None:
        """Take back the pins of a PLC; the bakery's values return with the next tick."""
        with self._lock:
            self._pins[plc].clear()

    def hold(self, plc: str) -> None:
        with self._lock:
            self.bakery.hold(plc)

    def release(self, plc: str) -> None:
        with self._lock:
            self.bakery.release(plc)

    def play(self) -> None:
        """Begin the script. Raises LookupError where there is none."""
        with self._lock:
            self._scripted().play()

    def played_s(self) -> float | None:
        """Seconds of the script that have passed; None before it began. Raises LookupError."""
        with self._lock:
            return self._scripted().played_s

    def cut_off(self, plc: str, seconds: float) -> None:
        """Off the network for so many seconds of the clock. Raises LookupError."""
        if plc not in self.servers:
            raise LookupError(f"no PLC {plc}")
        with self._lock:
            self._cut_until[plc] = time.monotonic() + seconds

    def _scripted(self) -> ScriptedBakery:
        if isinstance(self.bakery, ScriptedBakery):
            return self.bakery
        raise LookupError("no script")

    def _put(self, plc: str, values: Iterable[tuple[str, SimValue]]) -> None:
        for name, value in values:
            self.servers[plc].set(name, value)


def serve_bakery(
    ports: BakeryPorts,
    stop: threading.Event,
    *,
    host: str = "127.0.0.1",
    seed: int = 1,
    speedup: float = 1.0,
    script: Script | None = None,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run the bakery until `stop` is set; each server that listens is announced by a line.

    `speedup` is how many seconds of the bakery pass in one of the clock. A script begins when the door is
    told `play`. Raises OSError when a port is taken.
    """
    plant = Plant(ports, host=host, seed=seed, speedup=speedup, script=script)
    lines = plant.start()
    try:
        for line in lines:
            if announce is not None:
                announce(line)
        before = time.monotonic()
        while not stop.wait(TICK_S):
            now = time.monotonic()
            # After a suspended laptop wakes, the bakery does not hurry through the night.
            plant.tick(min(now - before, LONGEST_TICK_S))
            plant.network(now)
            before = now
    finally:
        plant.stop()


def _server(row: PlcRow, host: str, ports: BakeryPorts) -> Server:
    port: int = getattr(ports, row.code)
    if row.protocol == "logix":
        return LogixServer(Memory(row.memory), host=host, port=port)
    if row.protocol == "slc":
        return SlcServer(DataFiles(row.files), names=row.names, host=host, port=port)
    places = []
    for tag in row.tags:
        at = parse_modbus(tag.address)
        # A word of message bits is one register here and sixteen bools for its reader.
        kind = "uint16" if tag.data_type == "bool" else tag.data_type
        places.append(Place(tag.name, at.table.value, at.number, kind, tag.byte_order))
    return ModbusServer(places, host=host, port=port, device_id=row.device_id)
