"""Which process took up which work, and when: how often something was started today is counted here."""

import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ms5.processes.leases import has_ended, home, instance
from ms5.processes.models import Run

_KEEP = timedelta(days=7)
_noted: set[tuple[int, str]] = set()


def begin(name: str, now: datetime) -> Run:
    """Write that this process took up a work; rows of long ago go."""
    old = Run.objects.filter(name=name, began_at__lt=now - _KEEP)
    # One that still tells of itself has begun long ago, and is no row of long ago.
    old.exclude(told_at__gte=now - _KEEP).delete()
    return Run.objects.create(name=name, instance=instance(), home=home(), began_at=now)


def note_run(name: str) -> None:
    """Write once for each process and work that it took it up."""
    key = (os.getpid(), name)  # a forked worker is a process of its own
    if key not in _noted:
        begin(name, timezone.now())
        _noted.add(key)


def tell(pk: int | None, name: str, figures: Mapping[str, Any], now: datetime) -> int:
    """Write what a process says of itself into its run `pk`, or into a new one; return which."""
    told = {"told_at": now, "figures": dict(figures)}
    if pk is not None and Run.objects.filter(pk=pk).update(**told):
        return pk
    fresh = begin(name, now)
    Run.objects.filter(pk=fresh.pk).update(**told)
    return fresh.pk


def starts_since(moment: datetime) -> Counter[str]:
    """Return how often each work was taken up by a new process since the moment."""
    return Counter(Run.objects.filter(began_at__gte=moment).values_list("name", flat=True))


def told_since(name: str, moment: datetime) -> list[Run]:
    """Return the runs of a work that have told their figures since the moment, oldest first."""
    return list(Run.objects.filter(name=name, told_at__gte=moment).order_by("began_at", "pk"))


def told_here(name: str, now: datetime, silent: timedelta) -> list[Run]:
    """Return the runs of this machine that have told figures and have not ended, oldest first.

    One that hangs stays among them. Where nobody can see whether a process has ended, it counts as ended
    once it has told nothing for `silent`.
    """
    moment = now - (_KEEP if home() else silent)
    runs = [run for run in told_since(name, moment) if run.home == home()]
    return [run for run in runs if not has_ended(run.home, run.instance, run.told_at)]
