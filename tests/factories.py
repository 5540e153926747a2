"""Rows for tests, as plain functions with defaults; each call makes new ones with codes of their own."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from ms5.accounts.models import User
from ms5.accounts.roles import Role
from ms5.events.models import Event
from production.models import Area, Equipment, IdealCycle, Line, Product, Site
from production.observation import CounterReading, FaultMessage, Observation

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_numbers = count(1)


def at(seconds: float) -> datetime:
    """Return that many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def site(**fields):
    number = next(_numbers)
    return Site.objects.create(**{"code": f"S{number}", "name": f"Site {number}"} | fields)


def line(*, time_zone="UTC", **fields):
    number = next(_numbers)
    if "area" not in fields:
        fields["area"] = Area.objects.create(
            site=site(time_zone=time_zone), code="PACK", name="Packing"
        )
    return Line.objects.create(**{"code": f"L-{number}", "name": f"Line {number}"} | fields)


def equipment(**fields):
    number = next(_numbers)
    fields.setdefault("line", None)
    fields["line"] = fields["line"] or line()
    return Equipment.objects.create(
        **{"code": f"E{number}", "name": f"Machine {number}"} | fields
    )


def product(**fields):
    number = next(_numbers)
    defaults = {"code": f"P{number}", "name": f"Loaf {number}", "plc_number": number}
    return Product.objects.create(**defaults | fields)


def ideal_cycle(of, on, seconds="0.6", effective_from=None):
    """Say how long a piece of product `of` ideally takes on equipment `on`."""
    return IdealCycle.objects.create(
        product=of,
        equipment=on,
        seconds=Decimal(seconds),
        effective_from=effective_from or T0 - timedelta(days=30),
    )


def user(role=Role.OPERATOR, *, all_lines=True, **fields):
    number = next(_numbers)
    fields.setdefault("username", f"u{number}")
    return User.objects.create_user(role=role, all_lines=all_lines, **fields)


def good_count(value, **fields):
    return CounterReading(kind="good", value=value, **fields)


def fault(code="Fault[1]", text="Film broken", **fields):
    defaults = {"severity": "high", "source": "internal"}
    return FaultMessage(code=code, text=text, **defaults | fields)


def observation(on, seconds=0.0, state="running", **fields):
    """Return a good reading of an equipment, that many seconds after T0."""
    defaults = {"quality": "good", "source_at": at(seconds)}
    given = defaults | fields
    return Observation(equipment_id=on.pk, state=state, received_at=given["source_at"], **given)


def facts_of(on, type_=None):
    """Return the facts about an equipment, oldest first, as they go over the wire."""
    rows = Event.objects.filter(equipment_code=on.code).order_by("pk")
    return [json.loads(row.text) for row in (rows.filter(type=type_) if type_ else rows)]


def spans_of(on):
    """Return (state, began, ended) of an equipment in order, in seconds after T0; None while it lasts."""
    rows = on.spans.order_by("started_at").values_list("state", "started_at", "ended_at")
    return [(state, _seconds(began), _seconds(ended)) for state, began, ended in rows]


def _seconds(moment):
    return None if moment is None else (moment - T0) / timedelta(seconds=1)
