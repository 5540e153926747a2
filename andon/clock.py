"""The engine's clock: all times of calls are its, so that a clock that is set delays nothing."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from andon.clock_rule import Reading, reckon
from andon.models import EngineClock

KEPT = timedelta(seconds=2)
"""How old the stored mark may grow while something is pending."""
NOTED = timedelta(seconds=60)
"""How long a jump is said with whatever takes effect."""


def database_now() -> datetime:
    """Return the database's own time, not that of the transaction's beginning."""
    if connection.vendor != "postgresql":
        return timezone.now()  # SQLite is in this process
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


class Clock:
    """What a process has seen of time; threads share it."""

    def __init__(
        self,
        database: Callable[[], datetime] = database_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: datetime | None = None
        self._last_s = 0.0
        self._noted: Reading | None = None

    def read(self) -> Reading:
        """Return the time; it never goes back."""
        high = EngineClock.objects.filter(pk=1).values_list("high_at", flat=True).first()
        with self._lock:
            # Both clocks together and under the lock, or a thread that waited would see a jump.
            database, now_s = self._database(), self._monotonic()
            elapsed = timedelta(seconds=now_s - self._last_s)
            found = reckon(database, high, self._last, elapsed)
            self._last, self._last_s = found.at, now_s
            if found.note:
                self._noted = Reading(found.at + NOTED, found.note)
            elif self._noted is not None and found.at < self._noted.at:
                found = Reading(found.at, self._noted.note)
        return found

    def keep(self, at: datetime) -> None:
        """Raise the stored mark to `at`, unless it is nearly there."""
        old = EngineClock.objects.filter(pk=1, high_at__lte=at - KEPT)
        if not old.update(high_at=at) and not EngineClock.objects.filter(pk=1).exists():
            EngineClock.objects.bulk_create(
                [EngineClock(pk=1, high_at=at)], ignore_conflicts=True
            )


CLOCK = Clock()


def now() -> datetime:
    """Return the engine's time."""
    return CLOCK.read().at
