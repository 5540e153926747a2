"""The canary: a fact on the stream `sys` every few seconds, whoever writes it."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from ms5.events.internal import Canary
from ms5.events.log import SYS, note, recording
from ms5.events.models import Event
from ms5.processes.leases import instance, take

PERIOD_S = 15.0
_LEASE = "canary.next"
# Shorter than the period, so that a tick that comes a little early is not refused.
_APART = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Sung:
    """The newest canary of the log."""

    seq: int
    at: datetime


def sing(apart: timedelta = _APART) -> int:
    """Write a canary unless one was written less than `apart` ago; return how many were written.

    The lease is never given back: until it ends nobody else, nor the same process, writes another. It is
    taken in the transaction of the fact, so that a write that fails costs no turn.
    """
    with recording():
        if not take(_LEASE, f"{instance()}:{secrets.token_hex(4)}", apart):
            return 0
        now = timezone.now()
        note("canary", Canary(written_at=now, instance=instance()), occurred_at=now)
    return 1


def newest() -> Sung | None:
    """Return the newest canary the log holds; None before the first one."""
    rows = Event.objects.filter(stream__name=SYS, type="canary").order_by("-seq")
    row = rows.values_list("seq", "recorded_at").first()
    return None if row is None else Sung(*row)
