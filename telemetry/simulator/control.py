"""A door for tests and demonstrations: one line in, one line out, on a loopback port."""

import contextlib
import socketserver
import struct
import threading
from typing import Protocol

from telemetry.simulator.memory import SimValue


class Controllable(Protocol):
    """What the door can ask of the plant."""

    def get(self, plc: str, name: str) -> SimValue: ...
    def pin(self, plc: str, name: str, value: float) -> None: ...
    def free(self, plc: str) -> None: ...
    def hold(self, plc: str) -> None: ...
    def release(self, plc: str) -> None: ...
    def cut_off(self, plc: str, seconds: float) -> None: ...
    def play(self) -> None: ...
    def played_s(self) -> float | None: ...


def obey(plant: Controllable, line: str) -> str:
    """The answer to one command; what cannot be done is answered with why.

    `get PLC NAME`, `set PLC NAME NUMBER` (kept until `free PLC`), `hold PLC jam` (kept until
    `release PLC`), `offline PLC SECONDS`; with a script also `play`, and `played` (its seconds).
    """
    try:
        match line.split():
            case ["get", plc, name]:
                return str(plant.get(plc, name))
            case ["set", plc, name, value]:
                plant.pin(plc, name, float(value))
            case ["free", plc]:
                plant.free(plc)
            case ["hold", plc, "jam"]:
                plant.hold(plc)
            case ["release", plc]:
                plant.release(plc)
            case ["offline", plc, seconds]:
                plant.cut_off(plc, float(seconds))
            case ["play"]:
                plant.play()
            case ["played"]:
                return str(plant.played_s())
            case _:
                return "error: get, set, free, hold, release, offline, play or played"
    except (LookupError, ValueError, OverflowError, struct.error) as error:
        return f"error: {type(error).__name__} {error}"
    return "ok"


class _Visitor(socketserver.StreamRequestHandler):
    server: "_Listener"
    timeout = 60

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while line := self.rfile.readline(200):
                answer = obey(self.server.plant, line.decode("utf-8", "replace"))
                self.wfile.write(f"{answer}\n".encode())


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], plant: Controllable) -> None:
        self.plant = plant
        super().__init__(address, _Visitor)


class ControlDoor:
    """Listens for commands while the plant runs."""

    def __init__(self, plant: Controllable, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._plant = plant
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._listener = _Listener((self.host, self.port), self._plant)
        self.port = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()

    def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None and self._thread is not None:
            listener.shutdown()
            self._thread.join()
            listener.server_close()
