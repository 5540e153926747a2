"""The stack under test: every process of MS5 on loopback, with a proxy wherever a wire can be hurt."""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from ms5.demo import commands
from ms5.demo.ports import free_port, is_free
from ms5.demo.redis import answers, own_redis
from tests.faults.databases import Postgres, Sqlite, port_of
from tests.faults.proc import Proc, wait_for
from tests.faults.proxy import FaultProxy
from tests.faults.talk import Talker

ROOT = Path(__file__).resolve().parent.parent.parent
PLCS = ("bagger", "loader", "checkweigher", "casepacker")
# A crowd comes from one address as a few users; how many may is tested elsewhere.
LIFTED = {
    "MS5_LIMIT_CONNECTIONS_PER_USER": "5000",
    "MS5_LIMIT_CONNECTIONS_PER_ADDRESS": "5000",
    "MS5_LIMIT_HANDSHAKES_PER_SECOND": "5000",
    "MS5_LIMIT_HANDSHAKE_BURST": "5000",
    # Half of the product's: the heartbeat is what tells a client how far it has come.
    "MS5_LIMIT_HEARTBEAT_S": "2.5",
}


@dataclass(slots=True)
class Plcs:
    """The simulated controllers behind a proxy each, and the door to what they do."""

    control: int
    proxies: dict[str, FaultProxy] = field(default_factory=dict)

    def tell(self, command: str) -> str:
        """Say a line to the door; return the answer."""
        with socket.create_connection(("127.0.0.1", self.control), timeout=5) as door:
            door.sendall(f"{command}\n".encode())
            return door.makefile().readline().strip()


class Stack:
    """Started by `with`, on `engine` (sqlite or postgresql), from the tree at `root`.

    `cluster` is a PostgreSQL that runs already, to save the seconds of making one.
    """

    def __init__(
        self,
        engine: str,
        *,
        root: Path = ROOT,
        cluster: Postgres | None = None,
        plcs: bool = True,
        webs: int = 2,
    ) -> None:
        self.engine = engine
        self.root = root
        self.has_plcs = plcs
        self.database = f"ms5_{secrets.token_hex(4)}"
        self.procs: dict[str, Proc] = {}
        self.proxies: list[FaultProxy] = []
        self.serials = count(1)
        self.restarts: list[str] = []
        """Which processes were started again because they had ended by themselves."""
        self.web_ports: dict[str, int] = {}
        self.seeded: dict[str, Any] = {}
        self._cluster = cluster
        self._webs = webs
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="ms5-faults-"))
        self._exit.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        (self.scratch / "data").mkdir()
        direct = self._start_database()
        redis = own_redis(self.scratch / "redis")
        self.redis_url = redis.url
        self.redis_proxy = self._proxy(port_of(redis.url))
        self.environment = self._environment() | {
            "DATABASE_URL": direct,
            "REDIS_URL": redis.url,
        }
        self._keep("redis", redis.command, ready=lambda: answers(redis.url, 0.5)).start()
        self.run(commands.MIGRATE)
        self.seeded = json.loads(self.run(("-m", "tests.faults.seed")))
        if self.has_plcs:
            self._start_plcs()
        self.web_environment = self.environment | {
            "DATABASE_URL": self._through_proxy(direct),
            "REDIS_URL": redis.url.replace(
                f":{port_of(redis.url)}/", f":{self.redis_proxy.port}/"
            ),
        }
        for number in range(1, self._webs + 1):
            self.keep_web(f"web{number}")
        for each in self.webs:
            each.await_ready()
        for name, command in (
            ("poll", commands.POLL),
            ("worker", commands.WORKER),
            ("beat", commands.BEAT),
        ):
            self.keep_python(name, command).start()
        self.fronts = [self._proxy(port) for port in self.web_ports.values()]
        self.observer = self._exit.enter_context(
            Talker("tests.faults.observer", self.environment, self.root)
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            **LIFTED,
            "SECRET_KEY": secrets.token_hex(32),
            "MS5_ENV_FILE": "",
            "MS5_DATA_DIR": str(self.scratch / "data"),
            "DJANGO_SETTINGS_MODULE": "ms5.settings",
            "MS5_PLC_PORTS": "1-65535",
            "MS5_LOG_FORMAT": "json",
            "MS5_LOG_LEVEL": "INFO",
            "PYTHONPATH": str(self.root),
            "PYTHONUNBUFFERED": "1",
            "CELERY_SKIP_CHECKS": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def _start_database(self) -> str:
        if self.engine == "sqlite":
            self.sqlite = Sqlite(self.scratch / "ms5.sqlite3")
            self.postgres = None
            return self.sqlite.url
        if self._cluster is None:
            directory = Path(tempfile.mkdtemp(prefix="ms5-faults-postgres-"))
            self._exit.callback(shutil.rmtree, directory, ignore_errors=True)
            self._cluster = Postgres.make(directory)
            self._exit.callback(self._cluster.stop)
            self._cluster.proc.start()
            self.procs["postgres"] = self._cluster.proc
        self.postgres = self._cluster
        self.postgres.create(self.database)
        self._exit.callback(self.postgres.drop, self.database)
        return self.postgres.url(self.database)

    def _through_proxy(self, direct: str) -> str:
        if self.postgres is None:
            return direct
        self.database_proxy = self._proxy(self.postgres.port)
        return self.postgres.url(self.database, self.database_proxy.port)

    def _start_plcs(self) -> None:
        logix, modbus, control = _pair(), _pair(), free_port()
        self._keep(
            "plcs",
            (
                *(sys.executable, "-m", "telemetry.simulator", "--logix-port", str(logix)),
                *("--modbus-port", str(modbus), "--control-port", str(control)),
            ),
            ready=lambda: _listens(control),
        ).start()
        behind = dict(zip(PLCS, (logix, logix + 1, modbus, modbus + 1), strict=True))
        before = dict(zip(PLCS, _pairs_of_ports(), strict=True))
        self.plcs = Plcs(
            control, {name: self._proxy(behind[name], before[name]) for name in PLCS}
        )
        self.run(
            commands.SEED,
            MS5_DEMO_PASSWORD=secrets.token_urlsafe(12),
            MS5_SIM_LOGIX_PORT=str(before["bagger"]),
            MS5_SIM_MODBUS_PORT=str(before["checkweigher"]),
        )

    def _proxy(self, target: int, port: int = 0) -> FaultProxy:
        proxy = FaultProxy(target, port)
        self._exit.callback(proxy.close)
        self.proxies.append(proxy)
        return proxy

    def _keep(self, name: str, command: Sequence[str], **fields: Any) -> Proc:
        fields.setdefault("environment", self.environment)
        proc = Proc(
            name=name,
            command=command,
            directory=self.root,
            log=self.scratch / f"{name}.log",
            **fields,
        )
        self.procs[name] = proc
        self._exit.callback(proc.end)
        return proc

    def keep_python(self, name: str, arguments: Sequence[str], **fields: Any) -> Proc:
        """Return a Python process of the stack, not started."""
        return self._keep(name, (sys.executable, *arguments), **fields)

    def keep_web(self, name: str) -> Proc:
        """Begin to start a web process; its readiness is waited for by who needs it."""
        port = free_port()
        web = self.keep_python(
            name, commands.web("127.0.0.1", port), environment=self.web_environment
        )
        web.start()
        web.ready = lambda: health(port, 2.0) is not None
        self.web_ports[name] = port
        return web

    def tend(self) -> None:
        """Start again what ended by itself, as the demo's supervisor and the containers do."""
        for name in ("poll", "worker", "beat"):
            if not self.procs[name].alive:
                self.restarts.append(name)
                self.procs[name].start()

    @property
    def webs(self) -> list[Proc]:
        return [self.procs[name] for name in self.web_ports]

    @property
    def urls(self) -> list[str]:
        """Where the sockets are."""
        return [f"ws://127.0.0.1:{port}/ws/production" for port in self.web_ports.values()]

    @property
    def front_urls(self) -> list[str]:
        """The same through a proxy each."""
        return [f"ws://127.0.0.1:{front.port}/ws/production" for front in self.fronts]

    def healths(self) -> set[str]:
        """What each web process says of itself; `gone` for one that does not answer."""
        return {health(port) or "gone" for port in self.web_ports.values()}

    def await_health(self, wanted: str, within_s: float = 60.0) -> float:
        """Return the seconds until every web process says so."""

        def is_so() -> bool:
            self.tend()
            return self.healths() == {wanted}

        try:
            return wait_for(is_so, within_s, f"health {wanted}")
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {self.wrong()}") from late

    def wrong(self) -> list[str]:
        """Return what each web process says is wrong, as it tells who may see operations."""
        key = self.seeded["keys"]["permitted"]
        return [
            asked(port, {"Authorization": f"Token {key}"}) or "gone"
            for port in self.web_ports.values()
        ]

    def run(self, arguments: Sequence[str], **extra: str) -> str:
        """Run a Python program of the tree to its end; return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment | extra,
            cwd=self.root,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr[-3000:]}"
        return done.stdout


def health(port: int, timeout_s: float = 5.0) -> str | None:
    """Return what a web process says of itself, None when it does not answer."""
    said = asked(port, {}, timeout_s)
    try:
        return None if said is None else str(json.loads(said)["status"])
    except (ValueError, KeyError):
        return None


def asked(port: int, headers: dict[str, str], timeout_s: float = 5.0) -> str | None:
    """Return the answer of `/ws/health`, None when there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", "/ws/health", headers=headers)
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def _pair() -> int:
    """Return the first of two free ports that follow each other."""
    while not is_free((port := free_port()) + 1):
        continue
    return port


def _pairs_of_ports() -> tuple[int, int, int, int]:
    logix, modbus = _pair(), _pair()
    return logix, logix + 1, modbus, modbus + 1
