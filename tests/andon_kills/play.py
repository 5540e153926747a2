"""Calls are raised and answered while whoever sweeps and sends is killed, again and again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from django.db import OperationalError
from django.utils import timezone

from andon import clock
from andon.actions import calls
from andon.models import AndonCall, Delivery, EscalationStep
from ms5.children.death import dies_with_parent
from ms5.processes.leases import instance
from ms5.processes.models import Lease
from production.refusals import ActionRefused
from tests import other_process
from tests.andon_channels.servers import LOOPBACK
from tests.andon_kills.floor import Floor


@dataclass(frozen=True)
class Plan:
    """How much of everything; times in seconds."""

    calls: int
    kills: int
    outages: int
    length_s: float
    sweepers: int = 3
    senders: int = 2
    lines: int = 10
    outage_s: tuple[float, float] = (6.0, 12.0)
    settle_s: float = 150.0
    receiver_takes_s: float = 0.3
    seed: int = 1
    wait_for_leases: bool = True
    """Whether to wait until what killed senders held has been sent by others."""


@dataclass
class Ledger:
    """What was done to the run: outages as (from, to), and what kills interrupted."""

    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    kills: int = 0
    killed_while_sweeping: int = 0
    killed_while_sending: int = 0
    answers: int = 0
    resolved: int = 0
    seconds: float = 0.0


@dataclass
class One:
    """A process that may be killed."""

    kind: str
    pid: int


class Nest:
    """The process that forks the others."""

    def __init__(
        self, environment: dict[str, str], errors: IO[bytes], mutant: str = ""
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.andon_kills.nest", *([mutant] if mutant else [])],
            env=environment,
            cwd=other_process.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call
        )
        self._bare = 0

    def start(self, kind: str) -> One:
        """Fork one; of the sweepers every second one takes the task's lease, the others take none."""
        mode = ""
        if kind == "sweeper":
            self._bare += 1
            mode = "bare" if self._bare % 2 else "task"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{kind} {mode}\n")
        stdin.flush()
        return One(kind, int(stdout.readline()))

    def end(self) -> None:
        self._process.kill()
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Play:
    """One run of a plan. Everything happens in the thread that calls `run`."""

    def __init__(self, plan: Plan, floor: Floor, mail_port: int, log: Path) -> None:
        self.plan = plan
        self.floor = floor
        self.ledger = Ledger()
        self._mail_port = mail_port
        self._log = log
        self._random = random.Random(plan.seed)
        self._living: list[One] = []
        self._down_since: datetime | None = None
        self._raised: dict[int, AndonCall] = {}

    def run(self, mutant: str = "") -> Ledger:
        """Play it to the end, let it settle, and end every process."""
        began = time.monotonic()
        environment = other_process.environment() | {
            "EMAIL_HOST": LOOPBACK,
            "EMAIL_PORT": str(self._mail_port),
            "MS5_WEBHOOK_ALLOWED": "127.0.0.0/8",
            "MS5_LOG_LEVEL": "WARNING",
        }
        with self._log.open("wb") as errors:
            self._nest = Nest(environment, errors, mutant)
            try:
                self._start_all()
                self._act(began)
                self._settle()
            finally:
                for one in self._living:
                    os.kill(one.pid, signal.SIGKILL)
                self._nest.end()
        self.ledger.seconds = time.monotonic() - began
        return self.ledger

    # The script

    def _act(self, began: float) -> None:
        for at_s, deed in sorted(self._script(), key=lambda each: each[0]):
            if (left := began + at_s - time.monotonic()) > 0:
                time.sleep(left)
            self._do(deed)

    def _do(self, deed: Callable[[], None]) -> None:
        """Do it; while SQLite is locked by the others on a busy machine, say it again, as a person would."""
        for _ in range(9):
            try:
                return deed()
            except OperationalError as failure:
                if "locked" not in str(failure):
                    raise
        return deed()

    def _script(self) -> list[tuple[float, Callable[[], None]]]:
        plan, dice = self.plan, self._random
        script: list[tuple[float, Callable[[], None]]] = []
        for number in range(plan.calls):
            at_s = dice.uniform(0, plan.length_s)
            script.append((at_s, partial(self._raise, number)))
            if dice.random() < 0.5:
                early_s = at_s + dice.uniform(0.2, 9.0)
                script.append((early_s, partial(self._answer, number)))
                if dice.random() < 0.5:
                    script.append(
                        (early_s + dice.uniform(0.2, 9.0), partial(self._resolve, number))
                    )
            # In the end somebody comes, or the reminders of all would be the most that there is to do.
            last_s = at_s + dice.uniform(18.0, 25.0)
            script.append((last_s, partial(self._answer, number)))
            script.append((last_s + dice.uniform(1.0, 4.0), partial(self._resolve, number)))
        for number in range(plan.outages):
            # Apart from each other, so that what one delays is over before the next.
            part = plan.length_s / plan.outages
            at_s = number * part + part * dice.uniform(0.3, 0.5)
            script.append((at_s, self._kill_all))
            script.append((at_s + dice.uniform(*plan.outage_s), self._start_all))
        for _ in range(plan.kills):
            at_s = dice.uniform(1, plan.length_s)
            script.append((at_s, self._kill_one))
            script.append((at_s + dice.uniform(0.1, 2.5), self._start_missing))
        return script

    def _raise(self, number: int) -> None:
        equipment = self.floor.equipment[number]
        self._raised[number] = calls.raise_call(
            equipment.line,
            equipment=equipment,
            category="maintenance",
            priority="high",
            description=f"Call {number}",
            at=clock.now(),
        )

    def _answer(self, number: int) -> None:
        boss = self.floor.people[0]
        try:
            calls.acknowledge(self._raised[number], actor=boss, at=clock.now())
        except ActionRefused:  # it is over already
            return
        self.ledger.answers += 1

    def _resolve(self, number: int) -> None:
        boss = self.floor.people[0]
        try:
            calls.resolve(self._raised[number], actor=boss, at=clock.now(), text="done")
        except ActionRefused:  # it is over already
            return
        self.ledger.resolved += 1

    # The hurts

    def _wanted(self) -> list[str]:
        return ["sweeper"] * self.plan.sweepers + ["sender"] * self.plan.senders

    def _start_all(self) -> None:
        if self._down_since is not None:
            self.ledger.outages.append((self._down_since, timezone.now()))
            self._down_since = None
        self._start_missing()

    def _start_missing(self) -> None:
        if self._down_since is not None:
            return
        missing = self._wanted()
        for one in self._living:
            missing.remove(one.kind)
        self._living += [self._nest.start(kind) for kind in missing]

    def _kill_one(self) -> None:
        """Kill one at random, but leave a sweeper alive."""
        sweepers = [one for one in self._living if one.kind == "sweeper"]
        may = [one for one in self._living if one.kind != "sweeper" or len(sweepers) > 1]
        if self._down_since is None and may:
            self._kill(self._random.choice(may))

    def _kill_all(self) -> None:
        for one in tuple(self._living):
            self._kill(one)
        self._down_since = timezone.now()

    def _kill(self, one: One) -> None:
        os.kill(one.pid, signal.SIGKILL)
        self._living.remove(one)
        self.ledger.kills += 1
        name = f"{instance().rpartition(':')[0]}:{one.pid}:"
        held = Delivery.objects.filter(state="sending", leased_by__startswith=name)
        self.ledger.killed_while_sending += held.exists()
        lease = Lease.objects.filter(
            name="andon", holder__startswith=name, until__gt=timezone.now()
        )
        self.ledger.killed_while_sweeping += lease.exists()

    # The end

    def _settle(self) -> None:
        """Wait until nothing is overdue and all has been sent."""
        deadline = time.monotonic() + self.plan.settle_s
        while time.monotonic() < deadline:
            self._do(self._start_missing)
            now = clock.now()
            overdue = EscalationStep.objects.filter(state="pending", due_at__lt=now).exists()
            # A person is sent five messages a minute, and a lease lasts one: a short run waits for neither.
            left = Delivery.objects.filter(state__in=["pending", "sending"])
            if not overdue and not (self.plan.wait_for_leases and left.exists()):
                return
            time.sleep(0.1)
