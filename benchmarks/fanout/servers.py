"""The three servers, each one process on a core of its own, for as long as a block lasts."""

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fanout.event import CHANNELS, FASTAPI, FIRST_SEQ, OURS, plain
from benchmarks.fanout.pinning import LOAD_CPU, SERVER_CPU
from benchmarks.fanout.publishing import Publishing, publishing
from benchmarks.fanout.wire import Peer, wait_for_port
from benchmarks.stack import ROOT, cpu_s, database, process, redis, run
from ms5.demo import commands
from ms5.demo.ports import free_port

LINES = tuple(f"L{number:02d}" for number in range(20))
MACHINES = 5
# One address and one user are the whole crowd here; all else is as it is in production.
_LIFTED = {
    f"MS5_LIMIT_{name}": "100000"
    for name in (
        "CONNECTIONS",
        "CONNECTIONS_PER_USER",
        "CONNECTIONS_PER_ADDRESS",
        "HANDSHAKES_PER_SECOND",
        "HANDSHAKE_BURST",
    )
}

# Streams begin with one event each, at the position where all positions have seven digits; the length
# of that event, without padding, is what the publisher must know.
_SEED = f"""
import django; django.setup()
from django.contrib.auth import get_user_model
from ms5.accounts.keys import issue
from ms5.events.facts import EquipmentState
from ms5.events.log import append, on_append, recording
from ms5.events.models import Stream
from production.models import Area, Equipment, Line, Site
from benchmarks.fanout.event import reason
from datetime import UTC, datetime
site = Site.objects.create(code="S", name="S")
area = Area.objects.create(site=site, code="A", name="A")
for code in {LINES!r}:
    line = Line.objects.create(area=area, code=code, name=code)
    for number in range({MACHINES}):
        code_ = f"{{code}}.E{{number:02d}}"
        Equipment.objects.create(line=line, code=code_, name=code_, position=number)
    Stream.objects.update_or_create(name=code, defaults={{"head": {FIRST_SEQ}, "tail": {FIRST_SEQ + 1}}})
sizes = set()
on_append(lambda appended: sizes.update(len(f.text) for a in appended for f in a.facts))
now = datetime.now(UTC).replace(microsecond=1)
for code in {LINES!r}:
    with recording():
        append("equipment_state",
            EquipmentState(equipment_code="E00", state="running", since=now, previous="stopped",
                           reason=reason(0)),
            occurred_at=now, line_id=code, equipment_code=f"{{code}}.E00")
[size] = sizes
user = get_user_model().objects.create_user("bench", role="admin", all_lines=True)
print(size, issue(user, "bench")[1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs, and the process that publishes to it."""

    name: str
    port: int
    pid: int
    path: str
    headers: Mapping[str, str]
    publisher: Publishing
    redis_pid: int | None

    def knock(self, protocol: str | None = None, *, receive_buffer: int | None = None) -> Peer:
        """Return a client that has sent its handshake."""
        peer = Peer(self.port, receive_buffer=receive_buffer)
        peer.begin(self.path, self.headers, protocol)
        return peer

    def settle(self, within_s: float = 20) -> None:
        """Wait until the server has nothing left to do, such as seeing off those who left."""
        deadline = time.monotonic() + within_s
        busy = True
        while busy and time.monotonic() < deadline:
            before = cpu_s(self.pid)
            time.sleep(0.5)
            busy = cpu_s(self.pid) - before > 0.05

    def rss_kb(self) -> int:
        """Return the memory of the server that is in RAM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


@contextmanager
def ours(profile: Path | None = None) -> Iterator[Server]:
    """Run MS5's web process with the settings of production, a log on SQLite, and a Redis."""
    with ExitStack() as stack:
        environment = {**stack.enter_context(database("sqlite")), **_LIFTED}
        environment["REDIS_URL"], redis_pid = stack.enter_context(redis())
        size, key = run([sys.executable, "-c", _SEED], environment).split()
        port = free_port()
        command = list(commands.web("127.0.0.1", port))
        if profile is not None:
            command = ["-m", "benchmarks.fanout.profiled", str(profile), *command]
        yield stack.enter_context(
            _serving(
                OURS,
                command,
                environment,
                port,
                path="/ws/production",
                headers={"Authorization": f"Token {key}"},
                bare_bytes=int(size),
                redis_pid=redis_pid,
            )
        )


@contextmanager
def channels() -> Iterator[Server]:
    """Run the consumer of the tutorial on Daphne, with the core layer."""
    with redis() as (url, redis_pid):
        port = free_port()
        command = (
            *("-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0"),
            "benchmarks.fanout.usual_channels:application",
        )
        environment = {**_plain_environment(), "REDIS_URL": url}
        with _serving(
            CHANNELS, command, environment, port, path="/ws/line", redis_pid=redis_pid
        ) as server:
            yield server


@contextmanager
def fastapi() -> Iterator[Server]:
    """Run the connection manager on uvicorn, with the same WebSocket implementation as ours."""
    port = free_port()
    command = (
        *("-m", "uvicorn", "benchmarks.fanout.connection_manager:app", "--port", str(port)),
        *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
        *("--log-level", "error", "--no-access-log"),
    )
    environment = {
        **_plain_environment(),
        "PUBLISH_URL": f"ws://127.0.0.1:{port}/ws/publish",
    }
    with _serving(FASTAPI, command, environment, port, path="/ws/line") as server:
        yield server


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "SECRET_KEY": secrets.token_hex(32), "PYTHONPATH": str(ROOT)}


@contextmanager
def _serving(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    *,
    path: str,
    headers: Mapping[str, str] | None = None,
    bare_bytes: int | None = None,
    redis_pid: int | None = None,
) -> Iterator[Server]:
    if bare_bytes is None:
        bare_bytes = len(json.dumps(plain(LINES[0], FIRST_SEQ, 0)))
    with ExitStack() as stack:
        # A line for every socket that opens is the log's business, and hides the figures here.
        complaints = stack.enter_context(tempfile.TemporaryFile("w+"))
        child = stack.enter_context(
            process([sys.executable, *command], environment, SERVER_CPU, complaints=complaints)
        )
        try:
            wait_for_port(port)
        except TimeoutError as late:
            complaints.seek(0)
            late.add_note(complaints.read())
            raise
        yield Server(
            name=name,
            port=port,
            pid=child.pid,
            path=path,
            headers=headers or {},
            publisher=stack.enter_context(publishing(name, environment, bare_bytes, LOAD_CPU)),
            redis_pid=redis_pid,
        )
