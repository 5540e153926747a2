"""Keeps processes running until it is asked to stop, then stops every one of them."""

import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any, Self

from ms5.children.backoff import Backoff
from ms5.demo.child import Child, Program, how_it_ended
from ms5.demo.lines import Terminal

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TURN_S = 0.2


class StopAsked(Exception):
    """Ctrl-C, or a signal that asks us to end."""


class StepFailed(RuntimeError):
    """A program that must end well before the demo can go on did not."""


@dataclass(slots=True)
class _Kept:
    """A program that runs until we stop; `child` is None while it waits to be started again."""

    program: Program
    child: Child | None
    backoff: Backoff = field(default_factory=Backoff)
    start_at_s: float = 0.0


class Supervisor:
    """A context manager: leaving it, for whatever reason, leaves no process behind.

    A program that does not end `stop_within_s` after SIGTERM is killed; so are all at a second
    Ctrl-C. All in one thread, the main one: the kernel ends the children of a thread that ends.
    """

    def __init__(self, terminal: Terminal, *, stop_within_s: float = 6.0) -> None:
        self._terminal = terminal
        self._stop_within_s = stop_within_s
        self._selector = selectors.DefaultSelector()
        self._kept: dict[str, _Kept] = {}
        self._steps: list[Child] = []
        self._asked = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stop()
        finally:
            self._selector.close()
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    # What runs

    def keep(self, program: Program) -> None:
        """Start it, and start it again whenever it ends."""
        self._kept[program.name] = _Kept(program, self._start(program))

    def step(self, program: Program) -> Child:
        """Start a program that ends by itself; `finish` waits for it."""
        child = self._start(program)
        self._steps.append(child)
        return child

    def finish(self, *steps: Child) -> None:
        """Wait until the steps ended. StepFailed: one ended badly."""
        self.run_until(lambda: all(step.code() is not None for step in steps))
        for step in steps:
            self._bury(step)
            self._steps.remove(step)
        for step in steps:
            if code := step.code():
                raise StepFailed(f"{step.program.name} {how_it_ended(code)}")

    def pids(self) -> dict[str, int]:
        """The process of every program that is kept and runs now, by name."""
        return {name: kept.child.pid for name, kept in self._kept.items() if kept.child}

    def run_until(self, done: Callable[[], bool], within_s: float = float("inf")) -> bool:
        """Show and restart until `done`, which must not wait. StopAsked: we were asked to end.

        False when `within_s` passed first.
        """
        deadline = time.monotonic() + within_s
        while not done():
            if time.monotonic() > deadline:
                return False
            self._turn()
            if self._asked or self._terminal.gone:
                raise StopAsked
        return True

    # One turn of the loop

    def _turn(self) -> None:
        self._listen()
        now_s = time.monotonic()
        for kept in self._kept.values():
            if kept.child is None:
                if now_s >= kept.start_at_s:
                    self._start_again(kept)
            elif (code := kept.child.code()) is not None:
                wait_s = kept.backoff.after(kept.child.lived_s)
                kept.start_at_s = now_s + wait_s
                self._bury(kept.child)
                self._terminal.say(
                    f"{kept.program.name} (pid {kept.child.pid}) {how_it_ended(code)};"
                    f" starting it again in {wait_s:g} s"
                )
                kept.child = None

    def _start_again(self, kept: _Kept) -> None:
        name = kept.program.name
        try:
            kept.child = self._start(kept.program)
        except OSError as error:  # no memory or no process left; the others go on
            wait_s = kept.backoff.after(0)
            kept.start_at_s = time.monotonic() + wait_s
            self._terminal.say(f"{name} cannot be started: {error}; again in {wait_s:g} s")
        else:
            self._terminal.say(f"{name} runs again as pid {kept.child.pid}")

    def _start(self, program: Program) -> Child:
        child = Child(program)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    def _listen(self, most_s: float = _TURN_S) -> None:
        ready = self._selector.select(most_s)
        for key, _ in ready:
            child: Child = key.data
            for line in child.heard():
                self._terminal.line(child.program.name, line)
            if child.silent:  # else its end of file would wake us for ever
                self._forget(child)

    def _forget(self, child: Child) -> None:
        if child.output in self._selector.get_map():
            self._selector.unregister(child.output)

    def _bury(self, child: Child) -> None:
        self._forget(child)
        for line in child.bury():
            self._terminal.line(child.program.name, line)

    # The end

    def _stop(self) -> None:
        running = [kept.child for kept in self._kept.values() if kept.child] + self._steps
        self._kept.clear()
        self._steps = []
        for wave in (
            [child for child in running if not child.program.last],
            [child for child in running if child.program.last],
        ):
            self._end(wave)
        self._terminal.say(f"Stopped: all {len(running)} processes have ended.")

    def _end(self, wave: list[Child]) -> None:
        for child in wave:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_within_s
        asked, killed = self._asked, False
        while alive := [child for child in wave if child.code() is None]:
            if not killed and (time.monotonic() > deadline or self._asked > asked):
                killed = True
                for child in alive:
                    self._terminal.say(f"{child.program.name} does not end; killing it")
                    child.signal(signal.SIGKILL)
            self._listen(0.05)
        for child in wave:
            self._bury(child)
