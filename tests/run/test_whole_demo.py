"""The whole demo with real processes: any one of them that is killed comes back, and nothing stays behind."""

import os
import re
import signal
import sys
import time
from datetime import UTC, datetime

import pytest

from tests.run.test_supervisor import runs
from tests.running_demo import RunningDemo

# How quickly is measured by `make bench`; a busy machine must not fail the gate.
IN_TIME_S = 60
pytestmark = pytest.mark.timeout(180)


def note(measured):
    """Shown by `pytest -rP` and when the test fails."""
    sys.stdout.write(measured + "\n")


def test_it_prints_where_it_is_and_a_password_nobody_chose(demo):
    told = "".join(demo.lines)
    assert f"MS5 runs: http://127.0.0.1:{demo.port}/" in told
    assert re.search(
        r"log in as admin, supervisor, manager, engineer, maintenance, operator, viewer\n", told
    )
    assert re.search(r"password  [\w-]{12}\n", told)


@pytest.mark.parametrize("name", ["web", "poll", "worker", "beat", "redis", "plcs"])
def test_a_process_that_is_killed_is_back_and_the_counts_go_on(demo, name):
    before = demo.pids()
    # A worker of Celery may end when its broker goes, and is started again.
    touched = {name, "poll", "worker"} if name == "redis" else {name}
    killed_at = time.monotonic()
    os.kill(before[name], signal.SIGKILL)

    seen = demo.watch(lambda: demo.pids()[name] != before[name], IN_TIME_S)
    under_a_new_pid, counted = datetime.now(UTC), demo.counted()
    # Health alone may say "ok" before anybody has noticed the loss.
    seen += demo.watch(
        lambda: demo.counted() > counted and demo.works(since=under_a_new_pid), IN_TIME_S
    )
    back_after_s = time.monotonic() - killed_at
    note(f"{name}: back after {back_after_s:.1f} s, health meanwhile {seen}")
    after = demo.pids()
    assert after.keys() == before.keys()
    assert {other for other, pid in after.items() if pid != before[other]} <= touched
    assert all(runs(pid) for pid in after.values())
    assert not runs(before[name])


def test_a_second_run_keeps_the_data_and_ctrl_c_leaves_nothing(demo):
    pids, counted = demo.pids(), demo.counted()
    demo.stop()
    assert demo.process.returncode == 0
    assert "Stopped: all 6 processes have ended." in demo.lines[-1]
    assert [pid for pid in pids.values() if runs(pid)] == []

    again = RunningDemo(demo.directory)
    try:
        ready = again.wait_for(r"ready after ([\d.]+) s", within_s=60)
        note(f"warm start: first page after {ready.group(1)} s")
        assert not any(line.startswith("static") for line in again.lines)
        again.watch(lambda: again.counted() > counted, within_s=120)
        pids = again.pids()
    finally:
        again.stop(signal.SIGTERM)
    assert again.process.returncode == 0
    assert [pid for pid in pids.values() if runs(pid)] == []
