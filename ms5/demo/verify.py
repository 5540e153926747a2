"""`python -m ms5.demo.verify`: a known script through every process, and its answer key beside the outcome."""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ms5.demo import commands
from ms5.demo.child import Program
from ms5.demo.commands import Arguments
from ms5.demo.lines import Terminal
from ms5.demo.plants import PlantPorts, plant_ports
from ms5.demo.redis import NoRedis, answers, own_redis
from ms5.demo.run import environment
from ms5.demo.supervisor import StepFailed, StopAsked, Supervisor
from ms5.demo.wishes import Wishes

BASE = Path(__file__).resolve().parent.parent.parent
_REDIS_WITHIN_S = 15.0
_PORT = 8000  # named in the settings, and not listened on


def main() -> int:
    """0 when all agrees with the answer key, 1 when something differs or did not come up."""
    parser = argparse.ArgumentParser(prog="ms5.demo.verify", description=__doc__)
    parser.add_argument(
        "--script", default="brief", help="brief (3 minutes) or glimpse (half a one)"
    )
    script: str = parser.parse_args().script
    terminal = Terminal(colour=False)
    began_s = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ms5-verify-") as scratch,
            Supervisor(terminal) as supervisor,
        ):
            verify(script, Path(scratch), supervisor)
    except StopAsked:
        return 1
    except (NoRedis, StepFailed, TimeoutError, OSError) as error:
        sys.stderr.write(f"demo-verify: {error}\n")
        return 1
    terminal.say(f"Verified in {time.monotonic() - began_s:.0f} s.")
    return 0


def verify(script: str, scratch: Path, supervisor: Supervisor) -> None:
    """Run what the demo runs but the web server, on a database, Redis and ports of its own.

    Raises StepFailed when the outcome differs, TimeoutError when Redis does not come up.
    """
    redis = own_redis(scratch / "redis")
    password = secrets.token_urlsafe(9)
    wishes = Wishes(
        host="127.0.0.1",
        port=_PORT,
        data_dir=scratch,
        redis_url="",
        password=password,
        password_made=True,
    )
    names = environment(wishes, redis.url)
    # The database is our own, whatever the environment says of another.
    names = {name: value for name, value in names.items() if name != "DATABASE_URL"}
    names["MS5_ENV_FILE"] = ""

    def program(
        name: str, arguments: Arguments, more: Mapping[str, str] | None = None
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            environment=names | dict(more or {}),
            directory=BASE,
        )

    supervisor.keep(replace(program("redis", ()), command=redis.command, last=True))
    supervisor.finish(
        supervisor.step(program("migrate", (*commands.MIGRATE, "--verbosity", "0")))
    )
    plants = plant_ports(scratch)
    supervisor.keep(program("plcs", (*plants.arguments(), "--script", script)))
    seed = {"MS5_DEMO_PASSWORD": password, **plants.environment()}
    supervisor.finish(supervisor.step(program("seed", commands.SEED, seed)))
    if not supervisor.run_until(lambda: answers(redis.url, 0.5), _REDIS_WITHIN_S):
        raise TimeoutError(f"Redis did not answer within {_REDIS_WITHIN_S:g} s")
    for name, arguments in (
        ("poll", commands.POLL),
        ("worker", commands.WORKER),
        ("beat", commands.BEAT),
    ):
        supervisor.keep(program(name, arguments))
    supervisor.finish(supervisor.step(program("verify", _command(script, plants))))


def _command(script: str, plants: PlantPorts) -> Arguments:
    port = str(plants.control)
    return ("manage.py", "demo_verify", "--script", script, "--control-port", port)


if __name__ == "__main__":
    sys.exit(main())
