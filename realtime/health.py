"""Whether this process can serve, and what beside it is late: the answer of `GET /ws/health`."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import redis
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from andon import clock
from andon.health import wrong as wrong_with_calls
from andon.periods import PERIODS_S as ANDON_S
from ms5.accounts.models import User
from ms5.once import Once
from ms5.processes.heartbeats import late
from production.periods import PERIODS_S
from telemetry.health import links
from telemetry.models import Plc
from telemetry.visibility import plcs_of

log = logging.getLogger(__name__)

Status = Literal["ok", "degraded", "down"]

_PING_S = 0.2
# A tail that has not looked for so long is stuck: it looks ten times a second.
_STUCK_AFTER_S = 5.0
# Whoever asks more often gets the answer of before: looking must not be a way to load the system.
_KEEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was looked at; `wrong` says by name what is not as it should be."""

    name: str
    status: Status
    wrong: dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """All parts as of `checked_at`."""

    checked_at: datetime
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
            _canary(),
            _asked("processors", lambda: late(expected(), now)),
            _asked("plc_links", lambda: links(now)),
            _asked("escalation", lambda: wrong_with_calls(clock.now())),
        ]
    return Report(now, tuple(parts))


latest = Once(lambda: report(timezone.now()), _KEEP_S)
"""The last report, at most two seconds old; looked at by one caller however many ask."""


def degraded_parts(now: datetime) -> list[str]:
    """Return the names of the parts that are not ok; names only, since any client may read them."""
    return [part.name for part in report(now).parts if part.status != "ok"]


def as_seen_by(user: User | AnonymousUser, found: Report) -> list[Part]:
    """Return the parts with the names this user may know: controllers of foreign lines are counted only."""
    parts = []
    for part in found.parts:
        if part.name == "plc_links" and part.wrong:
            rows = Plc.objects.filter(code__in=part.wrong)
            mine = set(plcs_of(rows, user).values_list("code", flat=True))
            wrong = {code: why for code, why in part.wrong.items() if code in mine}
            if others := len(part.wrong) - len(wrong):
                wrong["others"] = f"{others} on lines of others"
            parts.append(replace(part, wrong=wrong))
        else:
            parts.append(part)
    return parts


def expected() -> dict[str, float]:
    """Return the processors that must run, with their periods in seconds."""
    polls = {f"poll.{shard}": 1.0 for shard in range(settings.POLL_SHARDS)}
    return {**polls, **PERIODS_S, **ANDON_S}


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


def _canary() -> Part:
    """Whether facts arrive here by the road they take to a client; not told of a process without a hub."""
    from realtime.hub import running_hubs  # noqa: PLC0415 - as above

    canaries = [hub.canary for hub in running_hubs()]
    if deaf := next((canary.deaf for canary in canaries if canary.deaf), ""):
        return Part("canary", "down", {"delivery": deaf})
    if silent := next((canary.silent for canary in canaries if canary.silent), ""):
        return Part("canary", "degraded", {"log": silent})
    return Part("canary", "ok", {})


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
