"""The sweep: whatever is due takes effect, whoever runs it, any number of them at once."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db.models import Min

from andon.actions.firing import fire
from andon.choices import StepState
from andon.clock import CLOCK, Clock
from andon.models import EscalationStep
from production.isolation import each_alone, raise_failed

log = logging.getLogger(__name__)

MOST = 50
"""Escalations in one sweep; the next takes the others."""


Fire = Callable[[int, datetime, str], int]


def sweep(clock: Clock = CLOCK, act: Fire = fire) -> int:
    """Let what is due by the engine's clock take effect and return how many steps did."""
    reading = clock.read()
    clock.keep(reading.at)
    return sweep_at(reading.at, reading.note, act)


def sweep_at(now: datetime, note: str = "", act: Fire = fire) -> int:
    """Let what is due by `now` take effect, the longest overdue first; return how many steps did.

    Each call has a transaction of its own: one that fails is logged and the others go on, then an
    ExceptionGroup says so.
    """
    due = EscalationStep.objects.filter(state=StepState.PENDING, due_at__lte=now)
    calls = (
        due.order_by()
        .values_list("escalation__call", flat=True)
        .annotate(first=Min("due_at"))
        .order_by("first", "escalation__call")[:MOST]
    )
    done, failed = each_alone(
        list(calls),
        lambda call_id: act(call_id, now, note),
        lambda call_id: {"call": call_id},
        log,
        "a call could not climb",
    )
    raise_failed(failed, "calls could not climb")
    return done
