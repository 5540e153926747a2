"""What was done and acknowledged: writers in processes of their own, and their journals."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.floor import WRITERS
from tests.faults.proc import Proc, wait_for
from tests.faults.writer import KEPT, TAKEN_BACK, UNKNOWN


@dataclass(frozen=True, slots=True)
class Deed:
    """A marker, where it belongs, what became of it, and when (monotonic seconds)."""

    marker: str
    stream: str
    outcome: str
    began: float
    at: float


@dataclass(slots=True)
class Ledger:
    """Deeds by marker; `excused` are those that a restored backup has taken away."""

    deeds: dict[str, Deed] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)

    def read(self, journal: Path) -> None:
        if not journal.exists():
            return
        for line in journal.read_text().splitlines():
            try:
                note = json.loads(line)
            except ValueError:  # the writer was killed in the middle of its last line
                continue
            for stream, marker in note["markers"]:
                self.deeds[marker] = Deed(
                    marker, stream, note["outcome"], note["began"], note["at"]
                )

    def of(self, outcome: str) -> list[Deed]:
        return [deed for deed in self.deeds.values() if deed.outcome == outcome]

    def counts(self) -> dict[str, int]:
        return {outcome: len(self.of(outcome)) for outcome in (KEPT, TAKEN_BACK, UNKNOWN)}


class Writers:
    """So many writers at so many deeds a second each, from the block's begin to its end.

    `serial` is that of no other writers on the same database.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        root: Path,
        scratch: Path,
        *,
        serial: int,
        seed: int,
        count: int = 2,
        per_s: float = 15.0,
    ) -> None:
        self._scratch = scratch
        self._exit = ExitStack()
        self.journals: list[Path] = []
        self.procs: list[Proc] = []
        for number, name in enumerate(WRITERS[:count]):
            journal = scratch / f"journal-{serial}-{name}.jsonl"
            command = (
                *(sys.executable, "-m", "tests.faults.writer", str(journal), name),
                *(str(serial * 10 + number), str(seed + number), str(per_s)),
            )
            log = scratch / f"writer-{serial}-{name}.log"
            self.journals.append(journal)
            self.procs.append(Proc(f"writer {name}", command, environment, root, log))

    def __enter__(self) -> Self:
        for proc in self.procs:
            self._exit.callback(proc.end)
            proc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def rest(self) -> None:
        """Let each finish the deed it is at, and do no other until `go_on`."""
        for journal in self.journals:
            Path(f"{journal}.rest").touch()
        time.sleep(1.0)

    def go_on(self) -> None:
        for journal in self.journals:
            Path(f"{journal}.rest").unlink()

    def ledger(self) -> Ledger:
        """Return what has been done so far."""
        ledger = Ledger()
        for journal in self.journals:
            ledger.read(journal)
        return ledger

    def stop(self) -> Ledger:
        """Let each finish the deed it is at; return all deeds."""
        for proc in self.procs:
            proc.signal(signal.SIGTERM)
        for proc in self.procs:
            try:
                proc.term(within_s=40)
            except TimeoutError:
                proc.kill9()
        for proc in self.procs:
            assert "Traceback" not in proc.said(), proc.said()[-2000:]
        return self.ledger()

    def await_kept(self, since: float, within_s: float = 60.0) -> float:
        """Return the seconds until every writer has had a deed acknowledged that began after `since`."""

        def wrote(journal: Path) -> bool:
            ledger = Ledger()
            ledger.read(journal)
            return any(deed.began > since for deed in ledger.of(KEPT))

        began = time.monotonic()
        wait_for(lambda: all(map(wrote, self.journals)), within_s, "every writer writes")
        return time.monotonic() - began
