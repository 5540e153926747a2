"""A process that the fault run owns: started, hurt, watched, ended. No other is ever signalled."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ms5.children.death import dies_with_parent


def wait_for(ready: Callable[[], object], within_s: float, what: str) -> float:
    """Call `ready` until it is true; return the seconds that took. Raises TimeoutError naming `what`."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass(slots=True, eq=False)
class Proc:
    """A command and the process that runs it now. Its output is appended to `log`.

    Must be started in the main thread: the kernel kills the child when that thread ends.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    ready: Callable[[], bool] = lambda: True
    user: int | None = None
    death: signal.Signals = signal.SIGKILL
    """What the kernel sends it when we end without having ended it."""
    starts: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, within_s: float = 60.0) -> float:
        """Start it; return the seconds until it was ready."""
        assert not self.alive, f"{self.name} runs already"
        self.starts += 1
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [*self.command],
                env=dict(self.environment),
                cwd=self.directory,
                user=self.user,
                extra_groups=None if self.user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent(self.death),  # noqa: PLW1509 - one prctl call
            )
        return self.await_ready(within_s)

    def await_ready(self, within_s: float = 60.0) -> float:
        def is_ready() -> bool:
            assert self.alive, f"{self.name} ended:\n{self.said()[-2000:]}"
            return self.ready()

        return wait_for(is_ready, within_s, f"{self.name} ready")

    def kill9(self) -> None:
        self._signal(signal.SIGKILL)
        self._wait(10)

    def term(self, within_s: float = 20.0) -> int:
        """Ask it to end; return its code. Raises TimeoutError."""
        self._signal(signal.SIGTERM)
        return self._wait(within_s)

    def stop(self) -> None:
        """Freeze it as it stands (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self, within_s: float = 60.0) -> float:
        """Kill it if it runs, start it; return the seconds until it was ready."""
        if self.alive:
            self.kill9()
        return self.start(within_s)

    def end(self, number: int = signal.SIGTERM, within_s: float = 15.0) -> None:
        """End it in whatever state it is."""
        if not self.alive:
            return
        self._signal(signal.SIGCONT)
        self._signal(number)
        with contextlib.suppress(TimeoutError):
            self._wait(within_s)
        if self.alive:
            self._signal(signal.SIGKILL)
            self._wait(10)

    def signal(self, number: int) -> None:
        self._signal(number)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)  # nothing, once it has been waited for

    def _wait(self, within_s: float) -> int:
        assert self._process is not None
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"{self.name} did not end within {within_s:g} s") from late

    def rss_mb(self) -> float:
        """Return its resident memory in MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def said(self, since: int = 0) -> str:
        """Return what it wrote after that many bytes of its log."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    def mark(self) -> int:
        """Return how much it has written so far, for `said` and `errors`."""
        return self.log.stat().st_size if self.log.exists() else 0

    def errors(self, since: int = 0) -> list[str]:
        """Return its log lines at ERROR or above, and tracebacks that no log line carries."""
        return [
            complaint for line in self.said(since).splitlines() if (complaint := _error(line))
        ]


def _error(line: str) -> str:
    """Return what a line complains of, empty for one that does not."""
    try:
        said = json.loads(line)
    except ValueError:
        return line if line.startswith("Traceback (most recent call last)") else ""
    if not isinstance(said, dict) or said.get("level") not in {"error", "critical"}:
        return ""
    # What was raised stands at the margin, once for each exception that led to the last.
    raised = [
        row
        for row in str(said.get("exception", "")).splitlines()
        if row and not row[0].isspace() and "Traceback" not in row
    ]
    return " | ".join([str(said.get("event")), str(said.get("reason", "")), *raised])
