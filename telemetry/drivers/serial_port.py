"""A serial line whose every wait ends at one deadline for the whole exchange."""

import contextlib

import serial

from telemetry.address import AddressError, parse_serial
from telemetry.drivers.base import LinkDown, Load
from telemetry.drivers.deadline import DeadlineLink

# pyserial lets the errors of POSIX's terminals through; there are none of them on Windows.
_WRONG: tuple[type[Exception], ...] = (OSError, ValueError)
with contextlib.suppress(ImportError):
    import termios

    _WRONG = (*_WRONG, termios.error)


class DeadlineSerial(DeadlineLink):
    """A port that no other process may have."""

    # pyserial reads from None when another thread has closed the port.
    wrong = (*_WRONG, TypeError)

    def __init__(self, port: str, text: str, load: Load, *, pause_s: float = 0.0) -> None:
        try:
            self._format = parse_serial(text)
        except AddressError as error:
            raise LinkDown(str(error)) from error
        super().__init__(port, load, pause_s, least_pause_s=self._format.silence_s)
        self._port: serial.Serial | None = None

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

    def discard(self) -> None:
        with contextlib.suppress(*_WRONG):
            self._open_port().reset_input_buffer()

    def interrupt(self) -> None:
        port = self._port
        if port is not None:
            with contextlib.suppress(*_WRONG):
                port.cancel_read()

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(*_WRONG):
                port.close()

    def _write(self, message: bytes) -> None:
        port = self._open_port()
        port.write_timeout = self._remaining()
        port.write(message)

    def _read(self, most: int) -> bytes:
        port = self._open_port()
        port.timeout = self._remaining()
        received: bytes = port.read(1)
        if not received:
            raise TimeoutError
        received += port.read(min(most - 1, port.in_waiting))
        return received

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise LinkDown(f"{self.peer} is not open.")
        return self._port
