"""A TCP server that speaks EtherNet/IP for a simulated controller, well or badly."""

import contextlib
import enum
import itertools
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from telemetry.simulator.cip import (
    CONNECTION_MANAGER,
    MICRO800,
    Controller,
    Identity,
    parse_path,
)
from telemetry.simulator.faults import Faults, Stats
from telemetry.simulator.memory import Memory, SimValue

HEADER = struct.Struct("<HHII8sI")
UNCONNECTED_ROOM = 504
NOT_SUPPORTED = 0x08
INVALID_SESSION = 0x64
OUT_OF_CONNECTIONS = struct.pack("<H", 0x0113)
NO_SUCH_PORT = struct.pack("<H", 0x0311)
CLASS_SEGMENT = 0x20
"""What a route begins with that leads through no backplane."""


class Command(enum.IntEnum):
    """The encapsulation commands a client of a controller uses."""

    LIST_IDENTITY = 0x63
    REGISTER = 0x65
    UNREGISTER = 0x66
    RR_DATA = 0x6F
    UNIT_DATA = 0x70


class Manage(enum.IntEnum):
    """The services of the connection manager."""

    FORWARD_CLOSE = 0x4E
    UNCONNECTED_SEND = 0x52
    FORWARD_OPEN = 0x54
    LARGE_FORWARD_OPEN = 0x5B


@dataclass(slots=True)
class _Connections:
    """The CIP connections of one TCP session: ours to theirs, with their size."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(0x11000001))
    theirs: dict[int, int] = field(default_factory=dict)
    room: dict[int, int] = field(default_factory=dict)
    by_serial: dict[bytes, int] = field(default_factory=dict)


class _Session(socketserver.BaseRequestHandler):
    """One client from its connection to its end."""

    server: "_Listener"
    request: socket.socket

    def setup(self) -> None:
        self.plc = self.server.plc
        self.session_number = 0
        self.connections = _Connections()
        self.last_reply = b""
        self.plc.stats.connections += 1
        self.server.clients.add(self.request)

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while not self.server.stopping.is_set() and self._one_request():
                pass

    def finish(self) -> None:
        self.server.clients.discard(self.request)

    def _one_request(self) -> bool:
        header = _exactly(self.request, HEADER.size)
        if header is None:
            return False
        command, length, session, _, context, _ = HEADER.unpack(header)
        body = _exactly(self.request, length)
        if body is None or command == Command.UNREGISTER:
            return False
        match command:
            case Command.REGISTER:
                self.session_number = next(self.plc.session_numbers)
                session, answer = self.session_number, body
            case Command.LIST_IDENTITY:
                answer = self._list_identity()
            case Command.RR_DATA:
                answer = self._unconnected(body)
            case Command.UNIT_DATA:
                return self._connected(body, session)
            case _:
                self.request.sendall(HEADER.pack(command, 0, session, 1, context, 0))
                return True
        free = command in {Command.REGISTER, Command.LIST_IDENTITY}
        status = 0 if free or self._ours(session) else INVALID_SESSION
        answer = b"" if status else answer
        frame = HEADER.pack(command, len(answer), session, status, context, 0) + answer
        self.request.sendall(frame)
        return True

    def _ours(self, session: int) -> bool:
        return session != 0 and session == self.session_number

    def _list_identity(self) -> bytes:
        host, port = self.request.getsockname()[:2]
        item = struct.pack("<H", 1)
        # The item has room for an address of IPv4 only.
        address = bytes(4) if ":" in host else socket.inet_aton(host)
        item += struct.pack(">HH4s8x", socket.AF_INET, port, address)
        item += self.plc.answering.identity.encode() + b"\x03"
        return struct.pack("<HHH", 1, 0x0C, len(item)) + item

    def _unconnected(self, body: bytes) -> bytes:
        message = body[16:]
        reply = self._manage(message)
        return struct.pack("<IHHHHHH", 0, 0, 2, 0, 0, 0xB2, len(reply)) + reply

    def _manage(self, message: bytes) -> bytes:
        service, words = message[0], message[1]
        data = message[2 + 2 * words :]
        if parse_path(message[2 : 2 + 2 * words]).class_id != CONNECTION_MANAGER:
            return self.plc.answering.answer(message, UNCONNECTED_ROOM)
        stats = self.plc.stats
        stats.services[service] += 1
        match service:
            case Manage.UNCONNECTED_SEND:
                (length,) = struct.unpack_from("<H", data, 2)
                return self.plc.answering.answer(data[4 : 4 + length], UNCONNECTED_ROOM)
            case Manage.FORWARD_OPEN | Manage.LARGE_FORWARD_OPEN:
                stats.forward_opens += 1
                if service == Manage.LARGE_FORWARD_OPEN and not self.plc.large_connections:
                    return bytes([service | 0x80, 0, NOT_SUPPORTED, 0])
                return self._forward_open(service, data)
            case Manage.FORWARD_CLOSE:
                stats.forward_closes += 1
                number = self.connections.by_serial.pop(data[2:10], None)
                self.connections.theirs.pop(number or 0, None)
                return bytes([service | 0x80, 0, 0, 0]) + data[2:10] + b"\0\0"
            case _:
                return bytes([service | 0x80, 0, NOT_SUPPORTED, 0])

    def _forward_open(self, service: int, data: bytes) -> bytes:
        (theirs,) = struct.unpack_from("<I", data, 6)
        serial = data[10:18]
        if len(self.connections.theirs) >= self.plc.connection_limit:
            return bytes([service | 0x80, 0, 0x01, 1]) + OUT_OF_CONNECTIONS
        number = next(self.connections.numbers)
        if service == Manage.LARGE_FORWARD_OPEN:
            rate, size, back = struct.unpack_from("<III", data, 22)
            room, route = size & 0xFFFF, data[40:]
        else:
            rate, size, back = struct.unpack_from("<IHI", data, 22)
            room, route = size & 0x01FF, data[36:]
        has_backplane = not self.plc.answering.identity.product.startswith(MICRO800)
        if route[0] != CLASS_SEGMENT and not has_backplane:
            return bytes([service | 0x80, 0, 0x01, 1]) + NO_SUCH_PORT
        self.connections.theirs[number] = theirs
        self.connections.room[number] = room
        self.connections.by_serial[serial] = number
        answer = struct.pack("<II", number, theirs) + serial
        answer += struct.pack("<IIBB", rate, back, 0, 0)
        return bytes([service | 0x80, 0, 0, 0]) + answer

    def _connected(self, body: bytes, session: int) -> bool:
        number, _, _, sequence = struct.unpack_from("<IHHH", body, 12)
        if number not in self.connections.theirs or not self._ours(session):
            return True
        reply = self.plc.answering.answer(body[22:], self.connections.room[number] - 2)
        spoilt = self.plc.faults.due()
        if spoilt and self.plc.faults.message is not None:
            reply = self.plc.faults.message
        if spoilt and self.plc.faults.short:
            reply = reply[:-2]
        if spoilt and self.plc.faults.misnumbered:
            sequence = (sequence + 1) & 0xFFFF
        items = struct.pack("<IHHHHIHHH", 0, 0, 2, 0xA1, 4, self.connections.theirs[number],
                            0xB1, len(reply) + 2, sequence)  # fmt: skip
        answer = items + reply
        session += spoilt and self.plc.faults.other_session
        # A controller need not repeat the context of a connected message; this one does not.
        frame = HEADER.pack(Command.UNIT_DATA, len(answer), session, 0, bytes(8), 0) + answer
        before, self.last_reply = self.last_reply, frame
        if spoilt:
            return self._send_with_faults(frame, before)
        self.request.sendall(frame)
        return True

    def _send_with_faults(self, frame: bytes, before: bytes) -> bool:
        """Send it the way the faults say; False when the connection ends with it."""
        faults, stop = self.plc.faults, self.server.stopping
        if faults.delay_s:
            stop.wait(faults.delay_s)
        if faults.drop:
            return True
        if faults.stall_mid or faults.close_mid:
            self.request.sendall(frame[: len(frame) // 2])
            return faults.stall_mid
        if faults.drip_s:
            for at in range(len(frame)):
                self.request.sendall(frame[at : at + 1])
                if stop.wait(faults.drip_s):
                    return False
            return True
        self.request.sendall(faults.garbage or (before if faults.stale else frame))
        return True


def _exactly(sock: socket.socket, count: int) -> bytes | None:
    received = b""
    while len(received) < count:
        piece = sock.recv(count - len(received))
        if not piece:
            return None
        received += piece
    return received


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], plc: "EnipServer") -> None:
        self.plc = plc
        self.stopping = threading.Event()
        self.clients: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Session)


class Answering(Protocol):
    """The objects behind a server: they answer CIP services and say what they are."""

    @property
    def identity(self) -> Identity: ...
    def answer(self, request: bytes, room: int) -> bytes: ...


class EnipServer:
    """A controller on a TCP port that speaks EtherNet/IP: it can go off the network and come back."""

    def __init__(
        self, controller: Answering, stats: Stats, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.host = host
        self.port = port
        self.stats = stats
        self.faults = Faults()
        self.large_connections = True  # False as with firmware before 20
        self.connection_limit = 32  # CIP connections of one client
        self.session_numbers = itertools.count(0x5A000001)
        self.answering = controller
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, from the second time on the port of the first."""
        if self._listener is None:
            self._listener = _Listener((self.host, self.port), self)
            self.port = self._listener.server_address[1]
            self._thread = threading.Thread(
                target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}
            )
            self._thread.start()

    def stop(self) -> None:
        """Off the network: nothing listens, and every client is cut off."""
        listener, self._listener = self._listener, None
        if listener is not None and self._thread is not None:
            listener.stopping.set()
            listener.shutdown()
            self._thread.join()
            for client in list(listener.clients):
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            listener.server_close()


class LogixServer(EnipServer):
    """A Logix controller with tags by name."""

    def __init__(
        self,
        memory: Memory,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        identity: Identity | None = None,
    ) -> None:
        self.memory = memory
        self.controller = Controller(memory, identity or Identity(), Stats())
        super().__init__(self.controller, self.controller.stats, host=host, port=port)

    def get(self, name: str) -> SimValue:
        return self.memory.get(name)

    def set(self, name: str, value: SimValue) -> None:
        self.memory.set(name, value)

    def power_up(self) -> None:
        """All values are zero, as after a loss of power without a battery."""
        self.memory.clear()

    def download(self) -> None:
        """Another program is in it now, with the same tags."""
        self.memory.changes += 1
