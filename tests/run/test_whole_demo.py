"""The whole demo with real processes: any one of them killed is back within ten seconds."""

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ms5.demo.plants import PlantPorts
from ms5.demo.ports import free_port
from tests.run.test_supervisor import runs

ROOT = Path(__file__).parent.parent.parent
KEPT = {"redis", "plcs", "web", "poll", "worker", "beat"}
BACK_WITHIN_S = 10
pytestmark = pytest.mark.timeout(180)


class RunningDemo:
    """`python -m ms5.demo` on a directory of its own, and what it has written so far."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.lines = []
        own = {"PATH": os.environ["PATH"], "MS5_DATA_DIR": str(directory)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ms5.demo"],
            cwd=ROOT,
            env=own | {"MS5_PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with self.process.stdout as told:
            for line in told:
                self.lines.append(line)

    def wait_for(self, pattern, within_s):
        """The first line in which the pattern is found."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            time.sleep(0.02)
        raise AssertionError(f"no {pattern} in\n" + "".join(self.lines[-60:]))

    def pids(self):
        """Name and process as the welcome shows them, then as each was started again."""
        self.wait_for(r"  processes ", within_s=90)
        told = "".join(self.lines)
        pids = dict(re.findall(r"(\w+) (\d+)", re.search(r"  processes (.*)", told).group(1)))
        pids |= dict(re.findall(r"demo +(\w+) runs again as pid (\d+)", told))
        return {name: int(pid) for name, pid in pids.items()}

    def health(self):
        """`ok`, `degraded`, `down`, or `gone` when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/ws/health")
            return json.loads(connection.getresponse().read())["status"]
        except (OSError, http.client.HTTPException):
            return "gone"
        finally:
            connection.close()

    def ask(self, question):
        with closing(sqlite3.connect(self.directory / "ms5.sqlite3", timeout=10)) as database:
            return database.execute(question).fetchall()

    def counted(self):
        """Pieces in all tallies of all equipment."""
        return self.ask("SELECT coalesce(sum(quantity), 0) FROM production_tally")[0][0]

    def workers(self):
        """When each processor last succeeded, and in which process."""
        rows = self.ask("SELECT name, ok_at, instance FROM processes_heartbeat")
        return {
            name: (
                datetime.fromisoformat(ok_at).replace(tzinfo=UTC),
                int(instance.split(":")[1]),
            )
            for name, ok_at, instance in rows
            if ok_at
        }

    def works(self, since):
        """Whether all is well, and each processor succeeded after `since` where it now runs."""
        pids, workers = self.pids(), self.workers()
        return (
            self.health() == "ok"
            and {name: pid for name, (at, pid) in workers.items() if at > since}.items()
            >= {"poll.0": pids["poll"], "production": pids["worker"]}.items()
        )

    def watch(self, done, within_s):
        """The states of health that were seen until `done`, each change once."""
        seen, deadline = [], time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, "".join(self.lines[-40:])
            if (health := self.health()) not in seen[-1:]:
                seen.append(health)
            time.sleep(0.05)
        return seen

    def stop(self, number=signal.SIGINT):
        try:
            self.process.send_signal(number)  # nothing, if it ended already
            self.process.wait(30)
        finally:
            self.process.kill()
            self._reader.join()


def note(measured):
    """Shown by `pytest -rP` and when the test fails."""
    sys.stdout.write(measured + "\n")


def remember_other_ports(directory):
    """Free ports for the simulated PLCs, so that a demo on this machine is not in the way."""
    ports = {"logix": free_port(), "modbus": free_port(), "control": free_port()}
    PlantPorts(**ports)
    (directory / "plant-ports.json").write_text(json.dumps(ports))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo")
    remember_other_ports(directory)
    demo = RunningDemo(directory)
    try:
        assert set(demo.pids()) == KEPT
        demo.watch(lambda: demo.counted() > 0 and demo.health() == "ok", within_s=30)
        yield demo
    finally:
        demo.stop()


def test_it_prints_where_it_is_and_a_password_nobody_chose(demo):
    told = "".join(demo.lines)
    assert f"MS5 runs: http://127.0.0.1:{demo.port}/" in told
    assert re.search(r"log in as admin, supervisor, engineer, operator, viewer\n", told)
    assert re.search(r"password  [\w-]{12}\n", told)


@pytest.mark.parametrize("name", ["web", "poll", "worker", "beat", "redis", "plcs"])
def test_a_process_that_is_killed_is_back_and_the_counts_go_on(demo, name):
    before, counted = demo.pids(), demo.counted()
    others = {other: pid for other, pid in before.items() if other != name}
    killed_at = time.monotonic()
    os.kill(before[name], signal.SIGKILL)

    seen = demo.watch(lambda: demo.pids()[name] != before[name], BACK_WITHIN_S)
    under_a_new_pid = datetime.now(UTC)
    seen += demo.watch(lambda: demo.works(since=under_a_new_pid), BACK_WITHIN_S)
    back_after_s = time.monotonic() - killed_at
    note(f"{name}: back after {back_after_s:.1f} s, health meanwhile {seen}")
    assert back_after_s < BACK_WITHIN_S
    assert {other: pid for other, pid in demo.pids().items() if other != name} == others
    assert runs(demo.pids()[name])
    assert not runs(before[name])
    assert demo.watch(lambda: demo.counted() > counted, within_s=30) in ([], ["ok"])


def test_a_second_run_keeps_the_data_and_is_quick_and_ctrl_c_leaves_nothing(demo):
    pids, counted = demo.pids(), demo.counted()
    demo.stop()
    assert demo.process.returncode == 0
    assert "Stopped: all 6 processes have ended." in demo.lines[-1]
    assert [pid for pid in pids.values() if runs(pid)] == []

    again = RunningDemo(demo.directory)
    try:
        ready = again.wait_for(r"ready after ([\d.]+) s", within_s=60)
        note(f"warm start: first page after {ready.group(1)} s")
        assert float(ready.group(1)) < 15
        assert not any(line.startswith("static") for line in again.lines)
        again.watch(lambda: again.counted() > counted, within_s=30)
        pids = again.pids()
    finally:
        again.stop(signal.SIGTERM)
    assert again.process.returncode == 0
    assert [pid for pid in pids.values() if runs(pid)] == []
