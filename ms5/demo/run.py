"""The demo from its first process to its last."""

import http.client
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ms5.demo import assets, commands
from ms5.demo.child import Program
from ms5.demo.commands import Arguments
from ms5.demo.lines import Terminal
from ms5.demo.plants import PlantPorts, plant_ports
from ms5.demo.ports import PortInUse, is_free
from ms5.demo.redis import NoRedis, OwnRedis, answers, own_redis
from ms5.demo.supervisor import Supervisor
from ms5.demo.wishes import Wishes, secret_key_file

LOGINS = (
    "admin",
    "supervisor",
    "manager",
    "engineer",
    "maintenance",
    "operator",
    "viewer",
)
_REDIS_WITHIN_S = 15.0
_FIRST_PAGE_WITHIN_S = 120.0


def claim_port(wishes: Wishes) -> None:
    """PortInUse or OSError: a sentence that says what to change, before anything is started."""
    try:
        free = is_free(wishes.port, wishes.host or "0.0.0.0")  # noqa: S104 - as the web server would
    except OSError as error:
        raise OSError(f"MS5_HOST is {wishes.host!r}: {error.strerror or error}") from error
    if not free:
        raise PortInUse(
            f"Port {wishes.port} is in use; choose another with MS5_PORT={wishes.port + 1}"
        )


def redis_for(wishes: Wishes) -> OwnRedis | None:
    """None when REDIS_URL names one that answers. NoRedis: it does not, or there is none."""
    if not wishes.redis_url:
        return own_redis(wishes.data_dir / "redis")
    if not answers(wishes.redis_url, timeout_s=3):
        at = urlsplit(wishes.redis_url)
        raise NoRedis(f"The Redis of REDIS_URL does not answer ({at.hostname}:{at.port}).")
    return None


def environment(wishes: Wishes, redis_url: str) -> dict[str, str]:
    """What every process gets; the demo's password is for the loader alone."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "ms5.settings",
        "MS5_DATA_DIR": str(wishes.data_dir),
        "MS5_HOST": wishes.host,
        "MS5_PORT": str(wishes.port),
        "REDIS_URL": redis_url,
        "PYTHONUNBUFFERED": "1",
    }
    names = wishes.names()
    defaults = {
        "ALLOWED_HOSTS": ",".join(names),
        "MS5_ALLOWED_ORIGINS": ",".join(f"http://{name}:{wishes.port}" for name in names),
        "MS5_LOG_FORMAT": "text",
        # The simulated controllers listen where there is room (ms5.demo.ports).
        "MS5_PLC_PORTS": "44818,502,20000-32767",
        # `migrate` has just made them; three times more would delay the first page.
        "CELERY_SKIP_CHECKS": "1",
        # That we are root, and what Celery 6 will do otherwise when Redis is lost: not news.
        "PYTHONWARNINGS": "ignore::UserWarning:celery.platforms,"
        "ignore::PendingDeprecationWarning:celery.worker.consumer.consumer",
    }
    if not os.environ.get("SECRET_KEY"):
        defaults["SECRET_KEY_FILE"] = str(secret_key_file(wishes.data_dir))
    given = {name: value for name, value in os.environ.items() if name != "MS5_DEMO_PASSWORD"}
    return defaults | given | ours


class Demo:
    """What is started, in which order."""

    def __init__(
        self, wishes: Wishes, base: Path, supervisor: Supervisor, terminal: Terminal
    ) -> None:
        self._wishes = wishes
        self._base = base
        self._supervisor = supervisor
        self._terminal = terminal
        self._began_at_s = time.monotonic()

    def run(self, redis: OwnRedis | None) -> None:
        """Until we are asked to stop. StepFailed, TimeoutError: it did not come up."""
        self._terminal.say(
            "Starting; the address and the logins come when the first page is there."
        )
        wishes = self._wishes
        plants = plant_ports(wishes.data_dir)
        self._environment = environment(wishes, redis.url if redis else wishes.redis_url)
        if redis:
            self._supervisor.keep(
                replace(self._program("redis", ()), command=redis.command, last=True)
            )
        self._prepare()
        # The simulators, the loader and the web server do not need each other.
        self._supervisor.keep(self._program("plcs", plants.arguments()))
        for number in range(1, wishes.web_processes + 1):
            name = "web" if number == 1 else f"web{number}"
            self._supervisor.keep(self._program(name, commands.web(wishes.host, wishes.port)))
        self._supervisor.finish(self._supervisor.step(self._seed(plants)))
        self._await(self._login_page, _FIRST_PAGE_WITHIN_S, "The web server")
        if redis:
            self._await(lambda: answers(redis.url, 0.5), _REDIS_WITHIN_S, "Redis")
        self._welcome()
        self._write_history()
        # Last, since the first page is what somebody waits for.
        self._supervisor.keep(self._program("poll", commands.POLL))
        self._supervisor.keep(self._program("worker", commands.WORKER))
        self._supervisor.keep(self._program("beat", commands.BEAT))
        self._show_processes()
        self._supervisor.run_until(lambda: False)

    def _prepare(self) -> None:
        """Database and static files, side by side: the web server reads both when it starts."""
        root = Path(
            self._environment.get("MS5_STATIC_ROOT") or self._wishes.data_dir / "static"
        )
        steps = [self._supervisor.step(self._program("migrate", commands.MIGRATE))]
        if not assets.collected(root, self._base):
            steps.append(
                self._supervisor.step(self._program("static", commands.COLLECT_STATIC))
            )
        self._supervisor.finish(*steps)
        assets.remember(root, self._base)

    def _write_history(self) -> None:
        """Before anything is polled: a past can only be put before the first observation.

        What stays behind in the data directory tells the next start that this one has seen to it.
        """
        days, seen_to = self._wishes.history_days, self._wishes.data_dir / "history-written"
        if not days or seen_to.exists():
            return
        self._terminal.say(
            f"The first start writes a past of {days} days before it reads the controllers: about half"
            " a minute. MS5_DEMO_HISTORY_DAYS=0 does without."
        )
        history = self._program("history", commands.history(days))
        self._supervisor.finish(self._supervisor.step(history))
        seen_to.touch()

    def _seed(self, plants: PlantPorts) -> Program:
        seed = self._program("seed", commands.SEED)
        extra = {"MS5_DEMO_PASSWORD": self._wishes.password, **plants.environment()}
        return replace(seed, environment={**seed.environment, **extra})

    def _program(self, name: str, arguments: Arguments) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            environment=self._environment,
            directory=self._base,
        )

    def _await(self, ready: Callable[[], bool], within_s: float, who: str) -> None:
        if not self._supervisor.run_until(ready, within_s):
            raise TimeoutError(f"{who} did not answer within {within_s:g} s")

    def _login_page(self) -> bool:
        at = urlsplit(self._wishes.address)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=2)
        try:
            connection.request("GET", "/login/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _welcome(self) -> None:
        wishes, say = self._wishes, self._terminal.say
        passed_s = time.monotonic() - self._began_at_s
        password = wishes.password if wishes.password_made else "that of MS5_DEMO_PASSWORD"
        say("")
        say(f"MS5 runs: {wishes.address}/     (ready after {passed_s:.1f} s)")
        say(f"  log in as {', '.join(LOGINS)}")
        say(f"  password  {password}")
        say(f"  data in   {wishes.data_dir}")
        say("Ctrl-C stops all of it; the data stay.")
        say("")

    def _show_processes(self) -> None:
        say = self._terminal.say
        pids = ", ".join(f"{name} {pid}" for name, pid in self._supervisor.pids().items())
        say("")
        say("The controllers are read.")
        say(f"  processes {pids}")
        say("")
