"""Whether this process can serve, and what beside it is late: the answer of `GET /ws/health`."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from ms5.processes.heartbeats import late
from telemetry.health import links

log = logging.getLogger(__name__)

Status = Literal["ok", "degraded", "down"]

_PING_S = 0.2
# A tail that has not looked for so long is stuck: it looks ten times a second.
_STUCK_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was looked at; `wrong` says by name what is not as it should be."""

    name: str
    status: Status
    wrong: dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """All parts as of now."""

    parts: tuple[Part, ...]

    @property
    def status(self) -> Status:
        """The worst of the parts."""
        statuses = {part.status for part in self.parts}
        return "down" if "down" in statuses else "degraded" if "degraded" in statuses else "ok"


def report(now: datetime) -> Report:
    """Look at everything. Only what keeps this process from serving is `down`."""
    database = _database()
    parts = [database, _tail(), _layer()]
    if database.status == "ok":
        parts += [
            _asked("processors", lambda: late(_expected(), now)),
            _asked("plc_links", lambda: links(now)),
        ]
    return Report(tuple(parts))


def degraded_parts(now: datetime) -> list[str]:
    """Return the names of the parts that are not ok; names only, since any client may read them."""
    return [part.name for part in report(now).parts if part.status != "ok"]


def _expected() -> dict[str, float]:
    """Return the processors that must run, with their periods in seconds."""
    polls = {f"poll.{shard}": 1.0 for shard in range(settings.POLL_SHARDS)}
    return polls | {"production": 1.0}


def _database() -> Part:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as failure:
        return Part("database", "down", {"database": str(failure).strip()})
    return Part("database", "ok", {})


def _tail() -> Part:
    """Before its first connection a process has no tail, and nobody it could keep waiting."""
    from realtime.hub import running_hubs  # noqa: PLC0415 - the hub reports its health through us

    wrong = {}
    for hub in running_hubs():
        if hub.tail.age_s > _STUCK_AFTER_S:
            wrong["tail"] = hub.tail.error or f"has not looked for {hub.tail.age_s:.0f} s"
    return Part("tail", "down" if wrong else "ok", wrong)


def _layer() -> Part:
    began = time.monotonic()
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_PING_S,
            socket_connect_timeout=_PING_S,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        ) as client:
            client.ping()
    except (redis.RedisError, OSError) as failure:
        return Part("channel_layer", "degraded", {"redis": _sentence(failure)})
    if time.monotonic() - began > _PING_S:
        return Part("channel_layer", "degraded", {"redis": "answers slowly"})
    return Part("channel_layer", "ok", {})


def _asked(name: str, ask: Callable[[], dict[str, str]]) -> Part:
    try:
        wrong = ask()
    except (DatabaseError, InterfaceError) as failure:
        return Part(name, "down", {"database": _sentence(failure)})
    return Part(name, "degraded" if wrong else "ok", wrong)


def _sentence(failure: Exception) -> str:
    return str(failure).strip() or type(failure).__name__
