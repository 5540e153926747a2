"""Write a heartbeat after successful work; say which expected one is late."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from ms5.processes.leases import (
    give_back,
    has_ended,
    home,
    instance,
    take,
    thread_instance,
)
from ms5.processes.models import Heartbeat
from ms5.processes.runs import note_run

log = logging.getLogger(__name__)


@contextmanager
def heartbeat(name: str, period_s: float) -> Iterator[dict[str, float]]:
    """Record that the block did its work, or what it raised, which goes on.

    Yields the figures that are recorded with it, for the block to fill.
    """
    started = time.perf_counter()
    detail: dict[str, float] = {}
    try:
        yield detail
    except Exception as error:
        _record(
            name, period_s, error=f"{type(error).__name__}: {error}", error_at=timezone.now()
        )
        raise
    took_ms = (time.perf_counter() - started) * 1000
    _record(name, period_s, ok_at=timezone.now(), took_ms=took_ms, detail=detail)
    note_run(name)


def _record(name: str, period_s: float, **fields: object) -> None:
    values = {"instance": instance(), "home": home(), "period_s": period_s, **fields}
    if not Heartbeat.objects.filter(name=name).update(**values):
        Heartbeat.objects.update_or_create(name=name, defaults=values)


def run_alone(name: str, period_s: float, work: Callable[[], int]) -> int:
    """Run a processor's tick: single-flight, with its heartbeat. Return what it returned, or -1 if
    another is at it. The lease outlives three periods, then a dead holder has lost it.
    """
    holder = thread_instance()
    if not take(name, holder, timedelta(seconds=max(5.0, 3 * period_s))):
        return -1
    try:
        with heartbeat(name, period_s):
            return work()
    finally:
        give_back(name, holder)


def late(expected: Mapping[str, float], now: datetime) -> dict[str, str]:
    """Return what is wrong by processor: never ran, its process is gone, no success in time.

    Empty when all are well. A process that ended is noticed at once only from the machine it ran on.
    """
    seen = {row.name: row for row in Heartbeat.objects.filter(name__in=expected)}
    wrong: dict[str, str] = {}
    for name in expected:
        row = seen.get(name)
        if row is None or row.ok_at is None:
            wrong[name] = "has never run"
        elif has_ended(row.home, row.instance):
            wrong[name] = f"its process {row.instance} has ended"
        elif now - row.ok_at > row.late_after:
            wrong[name] = f"last succeeded {(now - row.ok_at).total_seconds():.0f} s ago"
    return wrong
