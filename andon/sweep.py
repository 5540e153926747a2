"""The sweep: whatever is due takes effect, whoever runs it, any number of them at once."""

import logging
from datetime import datetime

from django.db.models import Min

from andon.actions.firing import fire
from andon.choices import StepState
from andon.clock import CLOCK
from andon.models import EscalationStep
from production.isolation import each_alone, raise_failed

log = logging.getLogger(__name__)

MOST = 50
"""Escalations in one sweep; the next takes the others."""


def sweep() -> int:
    """Let what is due by the engine's clock take effect and return how many steps did."""
    reading = CLOCK.read()
    if EscalationStep.objects.filter(state=StepState.PENDING).exists():
        CLOCK.keep(reading.at)
    return sweep_at(reading.at, reading.note)


def sweep_at(now: datetime, note: str = "") -> int:
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
        lambda call_id: fire(call_id, now, note),
        lambda call_id: {"call": call_id},
        log,
        "a call could not climb",
    )
    raise_failed(failed, "calls could not climb")
    return done
