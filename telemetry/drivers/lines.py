"""Lines that several devices share: one connection and one user at a time, whoever asks."""

import contextlib
import threading
from collections.abc import Iterator

from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerType

from telemetry.drivers.base import Endpoint, LinkDown, Load
from telemetry.drivers.deadline import DeadlineLink, DeadlineSocket
from telemetry.drivers.serial_port import DeadlineSerial

LONGEST_WAIT_S = 10.0
"""Nobody waits longer than this for the others on his line."""


class Client(ModbusTcpClient):
    """pymodbus's client on a link with one deadline, which it cannot reopen by itself."""

    def __init__(self, endpoint: Endpoint, load: Load) -> None:
        self.by_number = endpoint.protocol == "modbus_tcp"
        """Whether replies carry the number of their request; on a serial line they do not."""
        super().__init__(
            endpoint.host,
            port=endpoint.port,
            timeout=endpoint.timeout_s,
            retries=0,
            framer=FramerType.SOCKET if self.by_number else FramerType.RTU,
        )
        self.link: DeadlineLink
        if endpoint.protocol == "modbus_rtu":
            self.link = DeadlineSerial(
                endpoint.host, endpoint.serial, load, pause_s=endpoint.pause_s
            )
        else:
            self.link = DeadlineSocket(
                endpoint.host, endpoint.port, load, pause_s=endpoint.pause_s
            )

    def connect(self) -> bool:
        return True

    def send(self, request: bytes, addr: tuple[str, int] | None = None) -> int:
        del addr
        if not self.by_number:
            self.link.discard()
        self.link.send(request)
        return len(request)

    def recv(self, size: int | None) -> bytes:
        return self.link.receive_some(size or 4096)


class Line:
    """A connection that is opened when it is needed and dropped after any error.

    After an error it may still bring a late reply, and a reply on a serial line does not say which request
    it answers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.users = 0
        self._turn = threading.Lock()
        self._client: Client | None = None

    @contextlib.contextmanager
    def turn(self, endpoint: Endpoint, load: Load) -> Iterator[Client]:
        """The open connection, for the caller alone and until its deadline. Raises LinkDown."""
        if not self._turn.acquire(timeout=LONGEST_WAIT_S):
            raise LinkDown(f"{self.name} is in use by other devices.")
        try:
            client = self._opened(endpoint, load)
            yield client
        except BaseException:
            self.drop()
            raise
        finally:
            self._turn.release()

    def _opened(self, endpoint: Endpoint, load: Load) -> Client:
        client = self._client
        if client is None:
            client = self._client = Client(endpoint, load)
            client.link.allow(endpoint.timeout_s)
            client.link.connect()
        client.link.load = load
        # Whoever opened the line may need less of a rest than this one.
        client.link.rest(endpoint.pause_s)
        client.link.allow(endpoint.timeout_s)
        return client

    def drop(self) -> None:
        """Close the connection; whoever is next opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.link.close()

    def interrupt(self) -> None:
        """End the wait of whoever has his turn."""
        client = self._client
        if client is not None:
            client.link.interrupt()


_lines: dict[str, Line] = {}
_lock = threading.Lock()


def join(endpoint: Endpoint) -> Line:
    """The line of this endpoint in this process; `leave` it when done."""
    name = endpoint.line
    if not name:
        return Line(endpoint.peer)
    with _lock:
        line = _lines.setdefault(name, Line(name))
        line.users += 1
        return line


def leave(line: Line) -> None:
    """Let go of a line; the last to leave closes it."""
    with _lock:
        line.users -= 1
        if line.users > 0:
            return
        if _lines.get(line.name) is line:
            del _lines[line.name]
    line.drop()
