"""The whole demo as a person starts it, and what can be asked of it from outside."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ms5.demo.plants import PlantPorts
from ms5.demo.ports import free_port

ROOT = Path(__file__).parent.parent


class RunningDemo:
    """`python -m ms5.demo` on a directory of its own, and what it has written so far.

    An empty password leaves the choice to the demo.
    """

    def __init__(self, directory, password=None, **environment):
        self.directory = directory
        self.port = free_port()
        self.lines = []
        self.password = secrets.token_urlsafe(12) if password is None else password
        own = {"PATH": os.environ["PATH"], "MS5_DATA_DIR": str(directory)}
        own["MS5_DEMO_HISTORY_DAYS"] = "0"  # what a test counts is what it saw
        if self.password:
            own["MS5_DEMO_PASSWORD"] = self.password
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ms5.demo"],
            cwd=ROOT,
            env=own | {"MS5_PORT": str(self.port)} | environment,
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

    def tell_plant(self, command):
        """Say a line to the door of the simulated controllers; return the answer."""
        ports = json.loads((self.directory / "plant-ports.json").read_text())
        with socket.create_connection(("127.0.0.1", ports["control"]), timeout=5) as door:
            door.sendall(f"{command}\n".encode())
            return door.makefile().readline().strip()

    def ask(self, question, *values):
        with closing(sqlite3.connect(self.directory / "ms5.sqlite3", timeout=10)) as database:
            return database.execute(question, values).fetchall()

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


def remember_other_ports(directory):
    """Free ports for the simulated PLCs, so that a demo on this machine is not in the way."""
    ports = {"logix": free_port(), "modbus": free_port(), "control": free_port()}
    PlantPorts(**ports)
    (directory / "plant-ports.json").write_text(json.dumps(ports))
