"""Databases, Redis and processes for a benchmark, on loopback, for as long as a block lasts."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ms5.demo.redis import answers, own_redis
from tests.with_postgres import postgres

ROOT = Path(__file__).resolve().parent.parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _base(scratch: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SECRET_KEY": secrets.token_hex(32),
        "MS5_DATA_DIR": str(scratch),
        "MS5_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "ms5.settings",
        "MS5_PLC_PORTS": "1-65535",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def database(engine: str) -> Iterator[dict[str, str]]:
    """Yield the environment of a fresh, migrated database; both engines sync every commit to disk."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ms5-bench-")))
        environment = _base(scratch)
        if engine == "postgresql":
            environment["DATABASE_URL"] = stack.enter_context(postgres(durable=True))
        else:
            environment["DATABASE_URL"] = f"sqlite:///{scratch / 'bench.sqlite3'}"
        run([sys.executable, "manage.py", "migrate", "-v0"], environment)
        yield environment


@contextmanager
def redis() -> Iterator[tuple[str, int]]:
    """Yield the address and the process id of a Redis of our own."""
    with tempfile.TemporaryDirectory(prefix="ms5-redis-") as directory:
        own = own_redis(Path(directory))
        with process(own.command, os.environ) as server:
            wait_until(lambda: answers(own.url), 10)
            yield own.url, server.pid


@contextmanager
def process(
    command: Sequence[str],
    environment: Mapping[str, str],
    cpu: int | None = None,
    *,
    complaints: IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command while the block lasts, on one core if `cpu` names it.

    What it writes to its standard error goes to `complaints`, or else to ours.
    """
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    child = subprocess.Popen(
        [*pin, *command],
        env=dict(environment),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=complaints,
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command to its end; return what it printed. Raises when it fails."""
    done = subprocess.run(
        command, env=dict(environment), cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE
    )
    return done.stdout


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def wait_until(ready: Callable[[], bool], within_s: float) -> None:
    """Call `ready` until it is true. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("not ready in time")
        time.sleep(0.1)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
