"""Observe a plant that is seeded, and tick its processors: a script, run with the tree to measure on the path.

It imports nothing of the other benchmarks, so that it measures any tree that has the same tables.
"""

import cProfile
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import django
from django.db import connections

TICKS, UNCOUNTED = 12, 2
"""The first ones settle what is due, and prepare their statements."""
STEP = timedelta(seconds=1)
_STANDS_S, _OF_S = 4, 60


def live(seconds: float) -> None:
    """Observe all equipment every other second, for so long until now."""
    from django.utils import timezone  # noqa: PLC0415 - after the set-up of Django

    from production.models import Equipment  # noqa: PLC0415

    ids = list(Equipment.objects.order_by("pk").values_list("pk", flat=True))
    now = timezone.now() - timedelta(seconds=seconds)
    for _ in range(round(seconds / 2)):
        _observe(ids, now)
        now += 2 * STEP


def ticks(profile: str = "") -> dict[str, list[tuple[float, float]]]:
    """Return milliseconds of CPU by processor: for each tick our own, and those of PostgreSQL for us.

    All equipment is observed before each. With `profile` theirs are written to files that begin so.
    """
    from ms5 import memory  # noqa: PLC0415
    from production import processors  # noqa: PLC0415
    from production.models import Condition, Equipment  # noqa: PLC0415
    from production.periods import PERIODS_S  # noqa: PLC0415

    _as_a_worker_does()
    ids = list(Equipment.objects.order_by("pk").values_list("pk", flat=True))
    last = Condition.objects.latest("last_good_at").last_good_at
    if last is None:
        raise RuntimeError("nothing was observed")
    now = last + STEP
    memory.settle()
    costs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    profiles = {name: cProfile.Profile() for name in PERIODS_S}
    for number in range(UNCOUNTED + TICKS):
        for name in PERIODS_S:
            _observe(ids, now)
            tick = getattr(processors, name)
            served, began = _served_s(), time.process_time()
            if profile:
                profiles[name].runcall(tick, now)
            else:
                tick(now)
            spent, served = time.process_time() - began, _served_s() - served
            if number >= UNCOUNTED:
                costs[name].append((spent * 1000, served * 1000))
            now += STEP
    for name, each in profiles.items():
        if profile:
            each.dump_stats(f"{profile}.{name}")
    return costs


def _as_a_worker_does() -> None:
    """Have PostgreSQL prepare statements, as ms5.celery does."""
    for settings in connections.settings.values():
        if settings["ENGINE"].endswith("postgresql"):
            settings["OPTIONS"].setdefault("prepare_threshold", 5)


def _served_s() -> float:
    """Return the seconds of CPU of PostgreSQL's processes for our connections, to a hundredth."""
    found = 0.0
    for connection in connections.all():
        if connection.vendor == "postgresql":
            connection.ensure_connection()
            stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text()
            fields = stat.rpartition(")")[2].split()
            found += (int(fields[11]) + int(fields[12])) / 100
    return found


def _observe(ids: Sequence[int], now: datetime) -> None:
    from production.actions import observe  # noqa: PLC0415
    from production.observation import CounterReading, Observation  # noqa: PLC0415

    second = int(now.timestamp())
    counters = (
        CounterReading(kind="total", value=second % 1_000_000),
        CounterReading(kind="reject", value=second % 1_000_000 // 50),
    )
    observe(
        [
            Observation(
                equipment_id=pk,
                source_at=now,
                received_at=now,
                quality="good",
                state="stopped" if (second + number) % _OF_S < _STANDS_S else "running",
                speed=60.0,
                counters=counters,
            )
            for number, pk in enumerate(ids)
        ]
    )


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "live":
        live(float(sys.argv[2]))
    else:
        json.dump(ticks("".join(sys.argv[2:])), sys.stdout)
