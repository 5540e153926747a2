"""The demo: to its first page from cold and warm, and back to work after each of its processes was killed."""

import os
import signal
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.running_demo import RunningDemo, remember_other_ports

PROCESSES = ("web", "poll", "worker", "beat", "redis", "plcs")


def _first_page_s(demo: RunningDemo) -> float:
    return float(demo.wait_for(r"ready after ([\d.]+) s", within_s=90).group(1))


def _killed(demo: RunningDemo, name: str) -> dict[str, object]:
    before = demo.pids()[name]
    began = time.monotonic()
    os.kill(before, signal.SIGKILL)
    seen = demo.watch(lambda: demo.pids()[name] != before, 60)
    new_pid_s = time.monotonic() - began
    since = datetime.now(UTC)
    seen += demo.watch(lambda: demo.works(since=since), 60)
    return {
        "what": f"kill -9 {name}",
        "seconds": time.monotonic() - began,
        "new_pid_after_s": new_pid_s,
        "health_meanwhile": " ".join(dict.fromkeys(seen)),
    }


def report() -> list[dict[str, object]]:
    """Start cold, kill each process in turn until all is well again, stop, and start warm."""
    rows: list[dict[str, object]] = []
    nothing = {"new_pid_after_s": "", "health_meanwhile": ""}
    with tempfile.TemporaryDirectory(prefix="ms5-bench-") as scratch:
        directory = Path(scratch)
        remember_other_ports(directory)
        demo = RunningDemo(directory)
        try:
            seconds = _first_page_s(demo)
            rows.append({"what": "first page, empty database", "seconds": seconds, **nothing})
            demo.watch(lambda: demo.counted() > 0 and demo.health() == "ok", 60)
            rows += [_killed(demo, name) for name in PROCESSES]
        finally:
            demo.stop()
        again = RunningDemo(directory)
        try:
            seconds = _first_page_s(again)
            rows.insert(1, {"what": "first page, warm start", "seconds": seconds, **nothing})
        finally:
            again.stop()
    return rows
