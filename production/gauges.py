"""The figures of lines as gauges: one place knows under which key each is kept."""

from collections.abc import Iterable
from datetime import datetime

from ms5.events import facts
from ms5.events.log import gauge
from production.models import Line
from production.oee_updates import Said


def say_production(line: Line, data: facts.ProductionUpdate, now: datetime) -> None:
    """Say the figures of a line as of `now`. Called within a recording."""
    gauge(
        "production_update",
        data,
        key=f"production:{line.code}",
        source_at=now,
        line_id=line.code,
    )


def say_oee(said: Iterable[Said], now: datetime) -> None:
    """Say the OEE of lines and equipment as of `now`. Called within a recording."""
    for each in said:
        gauge(
            "oee_update",
            each.data,
            key=each.key,
            source_at=now,
            line_id=each.line.code,
            equipment_code=each.equipment.code if each.equipment else None,
        )
