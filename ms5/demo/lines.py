"""The output of many processes in one terminal, each line under its process's name."""

import os
import sys
from collections.abc import Iterator
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_LONGEST = 16_384


class Lines:
    """Bytes as they come, out as whole lines of text."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """The lines that `piece` completes; one longer than 16 KiB is broken there."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
        while len(self._rest) >= _LONGEST:
            yield self._rest[:_LONGEST].decode(errors="replace")
            self._rest = self._rest[_LONGEST:]

    def rest(self) -> Iterator[str]:
        """What was written without an end of line, once there is nothing more to come."""
        if self._rest:
            yield self._rest.decode(errors="replace")
        self._rest = b""


class Terminal:
    """`web          12:00:00 INFO ...`; the name in a colour of its own where there are colours."""

    def __init__(self, out: TextIO = sys.stdout, *, colour: bool, width: int = 12) -> None:
        self._out = out
        self._colour = colour
        self._width = width
        self._colours: dict[str, int] = {}
        self.gone = False  # nobody reads any more (`make demo | head`)

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<{self._width}}"
        if self._colour:
            colour = self._colours.setdefault(
                name, _COLOURS[len(self._colours) % len(_COLOURS)]
            )
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._write(f"{prefix} {text}\n")

    def _write(self, text: str) -> None:
        if self.gone:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:  # the processes must still be stopped in order, if unseen
            self.gone = True
            # What is left in the buffer would fail once more when Python exits.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)

    def say(self, text: str) -> None:
        """A line of the demo itself."""
        self.line("demo", text)
