"""Links whose every wait ends at one deadline for the whole exchange, and the one over TCP."""

import contextlib
import errno
import socket
import time
from abc import ABC, abstractmethod
from math import inf
from typing import ClassVar

from telemetry.drivers.base import LinkDown, Load, peer_name

_REASONS = {
    errno.ECONNREFUSED: "refused the connection",
    errno.ECONNRESET: "reset the connection",
    errno.EPIPE: "closed the connection",
    errno.EHOSTUNREACH: "cannot be reached: no route to the host",
    errno.ENETUNREACH: "cannot be reached: no route to the network",
    errno.EHOSTDOWN: "cannot be reached: the host is down",
}


class Pause:
    """The least time between an answer and the next request, for devices that need a rest.

    Of several devices on one link each has its own `length_s`, which is set before it is asked.
    """

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._answered = -inf

    def begin(self) -> None:
        self._answered = time.monotonic()

    def wait(self) -> float:
        """Sleep until it is over; return the seconds, which no deadline may count."""
        if not self.length_s:
            return 0.0
        rest = self._answered + self.length_s - time.monotonic()
        if rest <= 0:
            return 0.0
        time.sleep(rest)
        return rest


class DeadlineLink(ABC):
    """Connects, sends and receives, each until `deadline` at the latest.

    Everything that goes wrong is a LinkDown with a sentence.
    """

    wrong: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    """What sending and receiving raise when the link fails."""

    def __init__(
        self, peer: str, load: Load, pause_s: float, *, least_pause_s: float = 0.0
    ) -> None:
        self.peer = peer
        self.load = load
        self.timeout_s = 0.0
        self.deadline = 0.0
        self._least_pause_s = least_pause_s
        self._pause = Pause(max(pause_s, least_pause_s))

    def allow(self, timeout_s: float) -> None:
        """Start an exchange that ends, whatever happens, this many seconds from now."""
        self.timeout_s = timeout_s
        self.deadline = time.monotonic() + timeout_s

    def rest(self, pause_s: float) -> None:
        """Leave so much time between an answer and the next request from now on."""
        self._pause.length_s = max(self._least_pause_s, pause_s)

    @abstractmethod
    def connect(self) -> None:
        """Open the link. Raises LinkDown."""

    def send(self, message: bytes) -> None:
        self.deadline += self._pause.wait()
        self.load.requests += 1
        self.load.bytes += len(message)
        try:
            self._write(message)
        except self.wrong as error:
            raise self._down(error) from error

    def receive_some(self, most: int) -> bytes:
        """What has come, one byte or more; an end of the stream is a LinkDown and never b"".

        What lay there while this process was stopped has come too late: nobody knows how old it is.
        """
        try:
            received = self._read(most)
            self._remaining()
        except self.wrong as error:
            raise self._down(error) from error
        self.load.bytes += len(received)
        self._pause.begin()
        return received

    @abstractmethod
    def discard(self) -> None:
        """Forget what has come unasked: on a shared line it could be taken for the next answer."""

    @abstractmethod
    def interrupt(self) -> None:
        """End the wait of another thread in this link."""

    @abstractmethod
    def close(self) -> None:
        """Let the link go at once; never raises."""

    @abstractmethod
    def _write(self, message: bytes) -> None: ...

    @abstractmethod
    def _read(self, most: int) -> bytes:
        """One byte or more."""

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _down(self, error: Exception) -> LinkDown:
        if isinstance(error, TimeoutError):
            return LinkDown(f"{self.peer} did not answer within {self.timeout_s:g} s.")
        return LinkDown(f"{self.peer} {self._why(error)}.")

    def _why(self, error: Exception) -> str:
        """The error as the end of a sentence."""
        return f"cannot be spoken to: {error}"


class DeadlineSocket(DeadlineLink):
    """A TCP connection.

    A time-out per `recv` bounds nothing: a peer that drips a byte at a time restarts it for
    ever. A host name is looked up by the system's resolver, which keeps time-outs of its own;
    an address is not looked up.
    """

    def __init__(self, host: str, port: int, load: Load, *, pause_s: float = 0.0) -> None:
        super().__init__(peer_name(host, port), load, pause_s)
        self._address = (host, port)
        self._sock: socket.socket | None = None

    def connect(self) -> None:
        try:
            self._sock = socket.create_connection(self._address, timeout=self._remaining())
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except UnicodeError as error:
            raise LinkDown(f"{self.peer} is not the name of a host.") from error
        except OSError as error:
            raise self._down(error) from error

    def receive_exactly(self, count: int) -> bytes:
        """So many bytes and not one more: what follows them stays for the next call."""
        received = bytearray()
        while len(received) < count:
            received += self.receive_some(count - len(received))
        return bytes(received)

    def discard(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.settimeout(0)
                while self._sock.recv(4096):
                    pass

    def send_without_waiting(self, message: bytes) -> None:
        """Hand the message to the kernel if it takes it at once; a farewell may be lost."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.settimeout(0)
                self._sock.send(message)

    def interrupt(self) -> None:
        sock = self._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _write(self, message: bytes) -> None:
        sock = self._open_socket()
        sock.settimeout(self._remaining())
        sock.sendall(message)

    def _read(self, most: int) -> bytes:
        sock = self._open_socket()
        sock.settimeout(self._remaining())
        received = sock.recv(most)
        if not received:
            raise LinkDown(f"{self.peer} closed the connection.")
        return received

    def _open_socket(self) -> socket.socket:
        if self._sock is None:
            raise LinkDown(f"{self.peer} is not connected.")
        return self._sock

    def _why(self, error: Exception) -> str:
        if isinstance(error, socket.gaierror):
            return "has a name that cannot be resolved"
        number = error.errno if isinstance(error, OSError) else None
        return _REASONS.get(number or 0) or super()._why(error)
