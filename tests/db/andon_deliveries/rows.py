"""Rows of calls with steps that have fired, for deliveries to hang on."""

from datetime import timedelta
from itertools import count

from django.utils import timezone

from andon.models import AndonCall, Delivery, Endpoint, Escalation, EscalationStep
from tests import factories

_numbers = count(1)


def fired_step(*, line=None, level=1, priority="high", text="Oven will not light", **fields):
    """Return a step of a new call that has fired now."""
    now = timezone.now()
    call = AndonCall.objects.create(
        line=line or factories.line(),
        category="stop",
        priority=priority,
        description=text,
        raised_at=now,
        last_raised_at=now,
        **fields,
    )
    escalation = Escalation.objects.create(call=call, policy={"levels": [1, 2]}, level=level)
    return EscalationStep.objects.create(
        escalation=escalation,
        gen=1,
        kind="level",
        level=level,
        due_at=now,
        state="fired",
        fired_at=now,
    )


def payload(step, **fields):
    """Return what the sweep freezes into a delivery."""
    call = step.escalation.call
    now = timezone.now().isoformat()
    return {
        "call_id": call.pk,
        "escalation_id": step.escalation_id,
        "happened": "level",
        "level": step.level,
        "levels": 2,
        "n": 0,
        "line": call.line.code,
        "line_name": call.line.name,
        "equipment": None,
        "equipment_name": None,
        "category": call.category,
        "priority": call.priority,
        "description": call.description,
        "raised_by": "Anna",
        "rule": None,
        "raised_at": now,
        "due_at": now,
        "fired_at": now,
        "late_ms": 0,
        "occurrences": 1,
        "recipients": ["shift manager"],
        "next": None,
        "next_due_at": None,
        "time_zone": "UTC",
        **fields,
    }


def delivery(step=None, *, channel="email", address="anna@plant.example", **fields):
    """Return a delivery that is due."""
    step = step or fired_step()
    now = timezone.now()
    endpoint = fields.get("endpoint")
    defaults = {
        "key": f"{step.pk}:{next(_numbers)}:{channel}",
        "address": "" if endpoint else address,
        "next_try_at": now,
        "created_at": now,
        "payload": payload(step),
    }
    return Delivery.objects.create(step=step, channel=channel, **defaults | fields)


def endpoint(address, *, kind="webhook", **fields):
    number = next(_numbers)
    defaults = {"name": f"Endpoint {number}", "secret": "secret-of-it"}
    return Endpoint.objects.create(kind=kind, address=address, **defaults | fields)


def later(seconds):
    return timezone.now() + timedelta(seconds=seconds)
