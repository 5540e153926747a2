"""What the log says of controllers and equipment."""

import json

from ms5.events.models import Event


def facts(type_):
    """The facts of this type in the order of their streams, as (line, data)."""
    rows = Event.objects.filter(type=type_).order_by("stream__name", "seq")
    return [(row.line_id, json.loads(row.text)["data"]) for row in rows]


def statuses():
    return [(line, data["status"]) for line, data in facts("plc_status")]


def states():
    return [data["state"] for _, data in facts("equipment_state")]
