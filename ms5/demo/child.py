"""One process of the demo: started, heard, stopped."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ms5.children.death import dies_with_parent
from ms5.demo.lines import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run under which name. `last`: others need it while they stop."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=Path.cwd)
    last: bool = False


def how_it_ended(code: int) -> str:
    """A return code of Popen as words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


class Child:
    """A running program, in a session of its own: a Ctrl-C in the terminal is for the demo alone.

    Must be made in the main thread (see `dies_with_parent`).
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started_at_s = time.monotonic()
        self._lines = Lines()
        self._process = subprocess.Popen(
            program.command,
            env=program.environment,
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call, in a process without threads
        )
        self.pid = self._process.pid
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("Popen was asked for a pipe and gave none")
        self.output: IO[bytes] = stdout
        os.set_blocking(self.output.fileno(), False)
        self.silent = False  # it closed its output, and will say no more

    @property
    def lived_s(self) -> float:
        return time.monotonic() - self.started_at_s

    def heard(self) -> Iterator[str]:
        """The lines it has written since; does not wait."""
        while True:
            try:
                piece = os.read(self.output.fileno(), 65_536)
            except BlockingIOError:
                return
            if not piece:
                self.silent = True
                yield from self._lines.rest()
                return
            yield from self._lines.feed(piece)

    def code(self) -> int | None:
        """Its return code once it ended, as Popen gives it; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send to it and to whatever it started; nothing if all of them are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def bury(self) -> Iterator[str]:
        """Its last lines, once it ended; nothing it started is left."""
        self.signal(signal.SIGKILL)
        yield from self.heard()
        self.output.close()
