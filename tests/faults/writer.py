"""A writer in a process of its own: deeds through the real door, each noted once it is known what became of it.

    python -m tests.faults.writer JOURNAL NAME SERIAL SEED PER_SECOND

goes on until SIGTERM, and rests while there is a file JOURNAL.rest. A line of the journal names the markers
of a deed and whether its commit was acknowledged (`kept`), it was rolled back (`taken back`), or the database
went away under it (`unknown`).
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import django

KEPT, TAKEN_BACK, UNKNOWN = "kept", "taken back", "unknown"


class ChangedItsMind(Exception):
    """Rolls a deed back."""


class Writer:
    """Deeds, chosen by chance; `name` is also whose machines it observes, `serial` is no other writer's."""

    def __init__(self, journal: IO[str], name: str, serial: int, seed: int) -> None:
        from production.models import Equipment
        from tests.faults import floor

        self._journal = journal
        self._name = name
        self._chance = random.Random(seed)
        self._number = 0
        self._serial = serial
        self._lines = floor.LINES
        self._machines = {
            line: Equipment.objects.get(code=floor.machine(line, name)) for line in floor.LINES
        }
        self._running: dict[str, bool] = {}
        self._deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (55, self._say_one),
            (25, self._observe),
            (8, self._say_two),
            (7, self._take_back),
            (5, self._take_back_half),
        )

    def act(self) -> bool:
        """Do a deed; return whether the database took it."""
        from django.db import DatabaseError, InterfaceError, connections

        weights, deeds = zip(*self._deeds, strict=True)
        self._open: list[tuple[str, str]] = []
        self._gone: list[tuple[str, str]] = []
        began = time.monotonic_ns()
        try:
            self._chance.choices(deeds, weights)[0]()
            outcome = KEPT
        except ChangedItsMind:
            outcome = TAKEN_BACK
        except (DatabaseError, InterfaceError):
            outcome = UNKNOWN
            connections.close_all()
        self._note(outcome, self._open, began)
        if self._gone:
            self._note(TAKEN_BACK, self._gone, began)
        return outcome != UNKNOWN

    def forget(self) -> None:
        """Take nothing for granted: a backup may be restored while it rests."""
        self._running.clear()

    def _note(self, outcome: str, markers: list[tuple[str, str]], began: int) -> None:
        note = {
            "outcome": outcome,
            "markers": markers,
            "began": began / 1e9,
            "at": time.monotonic_ns() / 1e9,
        }
        self._journal.write(json.dumps(note) + "\n")
        self._journal.flush()

    def _marker(self, line: str, into: list[tuple[str, str]]) -> str:
        self._number += 1
        marker = f"deed-{self._name}{self._serial}-{self._number:06d}"
        into.append((line, marker))
        return marker

    def _line(self) -> str:
        return self._chance.choice(self._lines)

    def _say(self, line: str, marker: str) -> None:
        from ms5.events.facts import EquipmentFault
        from ms5.events.log import append

        now = datetime.now(UTC)
        code = self._machines[line].code
        fact = EquipmentFault(
            id=self._serial * 1_000_000 + self._number,
            equipment_code=code,
            code="Mark",
            text=marker,
            severity="low",
            source="internal",
            reason_code=None,
            raised_at=now,
            # Over already: it enters no snapshot, so folding the log gives what the rows say.
            cleared_at=now,
            first_out=False,
        )
        append("equipment_fault", fact, occurred_at=now, line_id=line, equipment_code=code)

    def _say_one(self) -> None:
        from ms5.events.log import recording

        line = self._line()
        with recording():
            self._say(line, self._marker(line, self._open))

    def _say_two(self) -> None:
        from ms5.events.log import recording

        with recording():
            for line in self._chance.sample(self._lines, 2):
                self._say(line, self._marker(line, self._open))

    def _take_back(self) -> None:
        from ms5.events.log import recording

        line = self._line()
        with recording():
            self._say(line, self._marker(line, self._open))
            raise ChangedItsMind

    def _take_back_half(self) -> None:
        from ms5.events.log import recording

        line = self._line()
        with recording():
            try:
                with recording():
                    self._say(line, self._marker(line, self._gone))
                    self._change_of_mind()
            except ChangedItsMind:
                pass
            self._say(line, self._marker(line, self._open))

    @staticmethod
    def _change_of_mind() -> None:
        raise ChangedItsMind

    def _observe(self) -> None:
        from production.actions import observe
        from production.observation import Observation

        line = self._line()
        now = datetime.now(UTC)
        # To run is always news. To stand still is not, where it stood before: so where it is not known
        # what became of the last one, it runs.
        running = not self._running.pop(line, False)
        seen = Observation(
            equipment_id=self._machines[line].pk,
            source_at=now,
            received_at=now,
            quality="good",
            state="running" if running else "stopped",
            reason=self._marker(line, self._open),
        )
        observe([seen])
        self._running[line] = running


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    yield ended


def main(journal: str, name: str, serial: str, seed: str, per_s: str) -> None:
    django.setup()
    with Path(journal).open("a") as file, _until_told() as ended:
        writer = Writer(file, name, int(serial), int(seed))
        pause = 1 / float(per_s)
        due = time.monotonic()
        rest = Path(f"{journal}.rest")
        while not ended.is_set():
            if rest.exists():
                writer.forget()
                ended.wait(0.05)
                continue
            # After an outage it goes on at its pace; it does not make up for what was not done.
            due = max(due + pause, time.monotonic() - pause)
            if not writer.act():
                ended.wait(0.1)
            ended.wait(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
