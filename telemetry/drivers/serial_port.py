"""A serial line whose every wait ends at one deadline for the whole exchange."""

import contextlib
import time

import serial

from telemetry.address import AddressError, parse_serial
from telemetry.drivers.base import LinkDown, Load
from telemetry.drivers.deadline import Pause

# pyserial lets the errors of POSIX's terminals through; there are none of them on Windows.
_WRONG: tuple[type[Exception], ...] = (OSError, ValueError)
with contextlib.suppress(ImportError):
    import termios

    _WRONG = (*_WRONG, termios.error)
# It reads from None when another thread has closed the port.
_WRONG_IN_READING: tuple[type[Exception], ...] = (*_WRONG, TypeError)


class DeadlineSerial:
    """Opens, sends and receives as `DeadlineSocket` does, on a port that no other process may have."""

    def __init__(self, port: str, text: str, load: Load, *, pause_s: float = 0.0) -> None:
        self.peer = port
        self.load = load
        self.timeout_s = 0.0
        self.deadline = 0.0
        try:
            self._format = parse_serial(text)
        except AddressError as error:
            raise LinkDown(str(error)) from error
        self._pause = Pause(max(pause_s, self._format.silence_s))
        self._port: serial.Serial | None = None

    def allow(self, timeout_s: float) -> None:
        """Start an exchange that ends, whatever happens, this many seconds from now."""
        self.timeout_s = timeout_s
        self.deadline = time.monotonic() + timeout_s

    def connect(self) -> None:
        try:
            self._port = serial.Serial(
                self.peer,
                self._format.baud,
                self._format.bits,
                self._format.parity,
                self._format.stops,
                timeout=0,
                write_timeout=self._remaining(),
                exclusive=True,
            )
        except _WRONG as error:
            raise self._down(error) from error

    def send(self, message: bytes) -> None:
        self.deadline += self._pause.wait()
        self.load.requests += 1
        self.load.bytes += len(message)
        try:
            port = self._open_port()
            port.write_timeout = self._remaining()
            port.write(message)
        except _WRONG as error:
            raise self._down(error) from error

    def receive_some(self, most: int) -> bytes:
        """What has come, one byte or more."""
        try:
            port = self._open_port()
            port.timeout = self._remaining()
            received: bytes = port.read(1)
            if not received:
                raise TimeoutError
            received += port.read(min(most - 1, port.in_waiting))
        except _WRONG_IN_READING as error:
            raise self._down(error) from error
        self.load.bytes += len(received)
        self._pause.begin()
        return received

    def discard(self) -> None:
        """Forget what has come unasked: on this line it could be taken for the next answer."""
        with contextlib.suppress(*_WRONG):
            self._open_port().reset_input_buffer()

    def interrupt(self) -> None:
        """End the wait of another thread in this connection."""
        port = self._port
        if port is not None:
            with contextlib.suppress(*_WRONG):
                port.cancel_read()

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(*_WRONG):
                port.close()

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise LinkDown(f"{self.peer} is not open.")
        return self._port

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _down(self, error: Exception) -> LinkDown:
        if isinstance(error, TimeoutError):
            return LinkDown(f"{self.peer} did not answer within {self.timeout_s:g} s.")
        return LinkDown(f"{self.peer} cannot be spoken to: {error}.")
