"""Runs rows of the table on a stack, one after another, and keeps what each came to."""

import sys
import time
from dataclasses import dataclass, field

import psycopg

from tests.faults.case import Lost, assert_nothing_lost, case
from tests.faults.stack import Stack
from tests.faults.table import Row
from tests.faults.verdict import Verdict


@dataclass(slots=True)
class Result:
    """What a row came to; `failed` is empty for one that held."""

    row: Row
    seed: int
    clients: int = 0
    injections: int = 0
    seconds: float = 0.0
    back_s: float = 0.0
    facts_per_s: float = 0.0
    notes: list[str] = field(default_factory=list)
    deeds: dict[str, int] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    failed: str = ""


def run_row(stack: Stack, row: Row, seed: int, clients: int = 24) -> Result:
    """Hurt the stack as the row says, under load; judge what came of it."""
    result = Result(row, seed)
    began, restarts = time.monotonic(), len(stack.restarts)
    try:
        with case(
            stack, row.name, seed=seed, clients=clients, fronts=row.fronts, per_s=row.per_s
        ) as running:
            running.expected_errors += row.errors
            running.flow(1.0)
            row.hurt(running)
            healed = time.monotonic()
            stack.tend()
            running.writers.await_kept(healed)
            running.await_live(90)
            running.await_caught_up()
            result.back_s = time.monotonic() - healed
            running.flow(1.0)
            flowed_s = time.monotonic() - began
            if ended := stack.restarts[restarts:]:
                running.notes.append(f"ended by itself, started again: {', '.join(ended)}")
            result.clients = len(running.specs)
            result.injections, result.notes = running.injections, running.notes
            result.verdict = assert_nothing_lost(running)
            assert running.ledger is not None
            result.deeds = running.ledger.counts()
            result.facts_per_s = result.verdict.facts / flowed_s
            if complaint := row.check(result.verdict):
                raise Lost(f"{row.name} (seed {seed}): {complaint}")
            if not running.injections:
                raise Lost(f"{row.name}: nothing was injected")
    except (AssertionError, TimeoutError, OSError, psycopg.Error) as failure:
        result.failed = f"{type(failure).__name__}: {failure}"
        _mend(stack)
    result.seconds = time.monotonic() - began
    return result


def _mend(stack: Stack) -> None:
    """Leave the next row a stack that stands, whatever this one has left."""
    for proxy in stack.proxies:
        proxy.heal()
    for proc in stack.procs.values():
        proc.cont()
        if not proc.alive:
            proc.start()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
