"""Several web processes behind one port, each started again when it ends or is stuck."""

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from ms5.children.backoff import Backoff
from ms5.children.death import dies_with_parent
from ms5.logs import JsonFormatter, TextFormatter

log = logging.getLogger(__name__)

STUCK_AFTER_S = 30.0
"""Seconds of silence after which a process is killed: the kernel would deal connections to it still."""
READY_WITHIN_S = 120.0
"""The same for one that starts."""
STOP_WITHIN_S = 6.0
_TURN_S = 0.2


@dataclass(slots=True)
class _Member:
    """A place in the pool; `process` is None while it waits to be filled again."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    alive: int = -1
    serves: bool = False
    silent_after_s: float = 0.0
    started_at_s: float = 0.0
    start_at_s: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)


class Pool:
    """Runs in the main thread: the kernel ends the children of a thread that ends."""

    def __init__(self, host: str, port: int, processes: int) -> None:
        self._command = (
            *(sys.executable, "-m", "ms5.web", "--host", host, "--port", str(port)),
            "--alive-fd",
        )
        self._members = [_Member(number) for number in range(1, processes + 1)]
        self._selector = selectors.DefaultSelector()
        self._asked = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT, of which the second kills; 0 then."""
        _log_to_stderr()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            while not self._asked:
                now_s = time.monotonic()
                for member in self._members:
                    self._look_after(member, now_s)
                self._listen(_TURN_S)
        finally:
            self._stop()
            self._selector.close()
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _look_after(self, member: _Member, now_s: float) -> None:
        process = member.process
        if process is None:
            if now_s >= member.start_at_s:
                self._start(member, now_s)
        elif (code := process.poll()) is not None:
            wait_s = member.backoff.after(now_s - member.started_at_s)
            member.start_at_s = now_s + wait_s
            log.warning(
                "a web process ended",
                extra={"number": member.number, "pid": process.pid, "code": code}
                | {"again_in_s": wait_s},
            )
            self._forget(member)
        elif now_s > member.silent_after_s:
            log.error("a web process is stuck", extra={"pid": process.pid})
            process.kill()
            member.silent_after_s = now_s + STUCK_AFTER_S

    def _start(self, member: _Member, now_s: float) -> None:
        ours, theirs = os.pipe()
        os.set_blocking(theirs, False)  # a pool that does not read must not stop who writes
        try:
            member.process = subprocess.Popen(
                (*self._command, str(theirs)),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs,),
                # A Ctrl-C in a terminal is for the pool, which tells them.
                start_new_session=True,
                # Killed, not asked: one that hangs would go on to be dealt connections.
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call, in a process without threads
            )
        finally:
            os.close(theirs)
        member.alive = ours
        member.started_at_s = now_s
        member.silent_after_s = now_s + READY_WITHIN_S
        self._selector.register(ours, selectors.EVENT_READ, member)
        log.info(
            "a web process starts",
            extra={"number": member.number, "pid": member.process.pid},
        )

    def _listen(self, most_s: float) -> None:
        for key, _ in self._selector.select(most_s):
            member: _Member = key.data
            if os.read(member.alive, 4096):
                member.silent_after_s = time.monotonic() + STUCK_AFTER_S
                if not member.serves:
                    member.serves = True
                    log.info("a web process serves", extra={"number": member.number})
            else:  # it ends; `_look_after` sees to that
                self._selector.unregister(member.alive)

    def _forget(self, member: _Member) -> None:
        if member.alive in self._selector.get_map():
            self._selector.unregister(member.alive)
        os.close(member.alive)
        member.process, member.alive, member.serves = None, -1, False

    def _stop(self) -> None:
        running = [member.process for member in self._members if member.process]
        for process in running:
            process.terminate()
        deadline, asked = time.monotonic() + STOP_WITHIN_S, self._asked
        _wait(running, lambda: time.monotonic() > deadline or self._asked > asked)
        for process in running:
            process.kill()
            process.wait()
        log.info("the web processes have ended")


def _wait(running: list[subprocess.Popen[bytes]], enough: Callable[[], bool]) -> None:
    while not enough() and any(process.poll() is None for process in running):
        time.sleep(0.05)


def _log_to_stderr() -> None:
    """As the settings have it, which the pool does not load."""
    text = os.environ.get("MS5_LOG_FORMAT") == "text"
    out = logging.StreamHandler()
    out.setFormatter(TextFormatter() if text else JsonFormatter())
    logging.basicConfig(level=os.environ.get("MS5_LOG_LEVEL", "INFO"), handlers=[out])
