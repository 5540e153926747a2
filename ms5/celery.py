"""The Celery app and, as one table, everything that beat starts."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready
from django.db import connections

from andon.periods import PERIODS_S as ANDON_S
from ms5 import memory
from production.periods import PERIODS_S

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ms5.settings")

_PREPARED_AFTER = 5
"""Times that a statement is sent before it is prepared."""

app = Celery("ms5")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_django_does(**_: object) -> None:
    """Keep Celery from replacing the loggers of ms5.settings."""


@worker_init.connect
def _prepare_statements(**_: object) -> None:
    """Have PostgreSQL parse and plan what a worker asks again and again once a connection.

    Not in the web process, which goes on while tables are migrated: a prepared statement does not outlive that.
    """
    for settings in connections.settings.values():
        if settings["ENGINE"].endswith("postgresql"):
            settings["OPTIONS"].setdefault("prepare_threshold", _PREPARED_AFTER)


@worker_ready.connect
def _settle_memory(**_: object) -> None:
    """A tick is not to wait for the collector."""
    memory.settle()


def _every(
    period_s: float, task: str, *args: object, queue: str = "celery"
) -> dict[str, object]:
    """One row: a tick that nobody took within its period is dropped, since the next one does its work."""
    return {
        "task": task,
        "schedule": period_s,
        "args": args,
        "options": {"expires": max(1.0, period_s), "queue": queue},
    }


def schedule(poll_shards: int) -> dict[str, dict[str, object]]:
    """Beat's table: the poll once a second per shard of PLCs, then the processors."""
    polls = {
        f"poll.{shard}": _every(1.0, "telemetry.tasks.poll", shard, queue="poll")
        for shard in range(poll_shards)
    }
    processors = {
        name: _every(period_s, f"production.tasks.{name}")
        for name, period_s in PERIODS_S.items()
    }
    calls = {
        name: _every(period_s, f"andon.tasks.{name}") for name, period_s in ANDON_S.items()
    }
    return (
        polls
        | processors
        | calls
        | {
            "canary": _every(15.0, "ms5.processes.tasks.canary"),
            "retention": _every(60.0, "ms5.events.tasks.retention"),
            "answers": _every(3600.0, "ms5.accounts.tasks.prune_answers"),
            "samples": _every(300.0, "telemetry.tasks.prune_samples"),
            "minutes": _every(60.0, "telemetry.tasks.roll_up_samples"),
            "minutes.retention": _every(300.0, "telemetry.tasks.prune_minutes"),
        }
    )


@app.on_after_configure.connect
def _fill_the_schedule(sender: Celery, **_: object) -> None:
    from django.conf import settings  # noqa: PLC0415 - settings exist once the app is configured

    sender.conf.beat_schedule = schedule(settings.POLL_SHARDS)
