"""`python -m tests.faults [--only WORD] [--seed N]`: the whole table, the mutants, and the figures."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.databases import Postgres
from tests.faults.mutants import MUTANTS, Mutant, caught, copied
from tests.faults.report import Found, document
from tests.faults.run import Result, run_row, say
from tests.faults.stack import ROOT, Stack
from tests.faults.table import TABLE

FIGURES = ROOT / "docs" / "figures" / "faults.md"
BAD_INPUT = ("test_bad_input.py", "test_raw_frames.py", "test_floods.py", "test_foreign.py")


def main(arguments: Sequence[str]) -> int:
    """Return 0 when every row held and every mutant was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="rows with this word in their name"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument(
        "--write", type=Path, help=f"where the figures go; {FIGURES} if all is run"
    )
    asked = parser.parse_args(arguments)
    # Else a `kill` would leave directories behind; the processes die with us in any case.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    say(f"seed {asked.seed}")
    began = time.monotonic()
    # A copy: who edits the tree meanwhile must not change what is measured.
    with copied() as root:
        results, found = _run(asked.only, asked.seed, root)
    figures = [] if asked.only else _bad_input()
    text = document(results, found, figures, asked.seed, time.monotonic() - began)
    if path := asked.write or (None if asked.only else FIGURES):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    say(text)
    return int(
        any(each.failed for each in results) or not all(each.is_caught for each in found)
    )


def _run(only: Sequence[str], seed: int, root: Path) -> tuple[list[Result], list[Found]]:
    results: list[Result] = []

    def wanted(name: str) -> bool:
        return not only or any(word in name for word in only)

    scratch = Path(tempfile.mkdtemp(prefix="ms5-faults-postgres-"))
    cluster = Postgres.make(scratch)
    try:
        cluster.proc.start()
        for engine in ("postgresql", "sqlite"):
            rows = [row for row in TABLE if row.engine == engine and wanted(row.name)]
            if not rows:
                continue
            with Stack(engine, root=root, cluster=cluster) as stack:
                stack.await_health("ok")
                for row in rows:
                    result = run_row(stack, row, seed + len(results))
                    results.append(result)
                    say(f"{result.seconds:5.0f} s  {row.name}: {result.failed or 'held'}")
        mutants = [each for each in MUTANTS if wanted(each.name)]
        found = [
            _find(each, seed + number, cluster, root) for number, each in enumerate(mutants)
        ]
    finally:
        cluster.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    return results, found


def _find(mutant: Mutant, seed: int, cluster: Postgres, root: Path) -> Found:
    began = time.monotonic()
    try:
        found = Found(mutant, caught(mutant, seed, cluster, root))
    except (AssertionError, TimeoutError, OSError, psycopg.Error) as failure:
        found = Found(mutant, None, f"{type(failure).__name__}: {failure}")
    faults = found.verdict.faults() if found.verdict else found.failed
    took = time.monotonic() - began
    say(f"{took:5.0f} s  {'caught' if found.is_caught else 'MISSED'} {mutant.name}: {faults}")
    return found


def _bad_input() -> list[dict[str, Any]]:
    """Run the tests of bad input; return the figures that they leave."""
    tests = [
        str(path) for name in BAD_INPUT if (path := ROOT / "tests/socket" / name).is_file()
    ]
    if not tests:
        return []
    with tempfile.TemporaryDirectory(prefix="ms5-faults-") as scratch:
        figures = Path(scratch) / "figures.jsonl"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *tests],
            cwd=ROOT,
            env=os.environ | {"MS5_FIGURES": str(figures)},
            check=False,
            stdout=subprocess.DEVNULL,
            timeout=600,
        )
        lines = figures.read_text().splitlines() if figures.is_file() else []
    passed = {"name": "tests of bad input", "count": len(tests), "exit code": done.returncode}
    return [passed, *map(json.loads, lines)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
