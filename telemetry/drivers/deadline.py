"""A TCP connection whose every wait ends at one deadline for the whole exchange."""

import contextlib
import errno
import socket
import time

from telemetry.drivers.base import LinkDown, Load

_REASONS = {
    errno.ECONNREFUSED: "refused the connection",
    errno.ECONNRESET: "reset the connection",
    errno.EPIPE: "closed the connection",
    errno.EHOSTUNREACH: "cannot be reached: no route to the host",
    errno.ENETUNREACH: "cannot be reached: no route to the network",
    errno.EHOSTDOWN: "cannot be reached: the host is down",
}


class Pause:
    """The least time between an answer and the next request, for devices that need a rest."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._until = 0.0

    def begin(self) -> None:
        self._until = time.monotonic() + self._pause_s if self._pause_s else 0.0

    def wait(self) -> float:
        """Sleep until it is over; return the seconds, which no deadline may count."""
        rest = self._until - time.monotonic() if self._until else 0.0
        if rest <= 0:
            return 0.0
        time.sleep(rest)
        return rest


class DeadlineSocket:
    """Connects, sends and receives, each until `deadline` at the latest.

    A time-out per `recv` bounds nothing: a peer that drips a byte at a time restarts it for
    ever. Everything that goes wrong here is a LinkDown with a sentence. A host name is looked
    up by the system's resolver, which keeps time-outs of its own; an address is not looked up.
    """

    def __init__(self, host: str, port: int, load: Load, *, pause_s: float = 0.0) -> None:
        self.peer = f"{host}:{port}"
        self.load = load
        self._pause = Pause(pause_s)
        self.timeout_s = 0.0
        self.deadline = 0.0
        self._address = (host, port)
        self._sock: socket.socket | None = None

    def allow(self, timeout_s: float) -> None:
        """Start an exchange that ends, whatever happens, this many seconds from now."""
        self.timeout_s = timeout_s
        self.deadline = time.monotonic() + timeout_s

    def connect(self) -> None:
        try:
            self._sock = socket.create_connection(self._address, timeout=self._remaining())
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except UnicodeError as error:
            raise LinkDown(f"{self.peer} is not the name of a host.") from error
        except OSError as error:
            raise self._down(error) from error

    def send(self, message: bytes) -> None:
        self.deadline += self._pause.wait()
        self.load.requests += 1
        self.load.bytes += len(message)
        try:
            sock = self._open_socket()
            sock.settimeout(self._remaining())
            sock.sendall(message)
        except OSError as error:
            raise self._down(error) from error

    def receive_some(self, most: int) -> bytes:
        """What has come, one byte or more; an end of the stream is a LinkDown and never b""."""
        try:
            sock = self._open_socket()
            sock.settimeout(self._remaining())
            received = sock.recv(most)
        except OSError as error:
            raise self._down(error) from error
        if not received:
            raise LinkDown(f"{self.peer} closed the connection.")
        self.load.bytes += len(received)
        self._pause.begin()
        return received

    def receive_exactly(self, count: int) -> bytes:
        """So many bytes and not one more: what follows them stays for the next call."""
        received = bytearray()
        while len(received) < count:
            received += self.receive_some(count - len(received))
        return bytes(received)

    def discard(self) -> None:
        """Forget what has come unasked: on a shared line it could be taken for the next answer."""
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
        """End the wait of another thread in this connection."""
        sock = self._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _open_socket(self) -> socket.socket:
        if self._sock is None:
            raise LinkDown(f"{self.peer} is not connected.")
        return self._sock

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _down(self, error: OSError) -> LinkDown:
        if isinstance(error, TimeoutError):
            return LinkDown(f"{self.peer} did not answer within {self.timeout_s:g} s.")
        if isinstance(error, socket.gaierror):
            return LinkDown(f"{self.peer} has a name that cannot be resolved.")
        reason = _REASONS.get(error.errno or 0, f"cannot be spoken to: {error}")
        return LinkDown(f"{self.peer} {reason}.")
