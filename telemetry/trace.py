"""The raw readings behind a stretch of time: what the tags of an equipment read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from production.models import Equipment
from telemetry.models import Sample


@dataclass(frozen=True, slots=True)
class Trace:
    """Kept readings, oldest first, and whether there are more than these."""

    samples: Sequence[Sample]
    has_more: bool


def trace(equipment: Equipment, start: datetime, end: datetime, *, most: int = 200) -> Trace:
    """Return the kept readings of an equipment's tags in [start, end], at most so many."""
    rows = list(
        Sample.objects.filter(
            tag__in=equipment.tags.values("pk"), source_at__gte=start, source_at__lte=end
        )
        .select_related("tag")
        .order_by("source_at", "tag")[: most + 1]
    )
    return Trace(rows[:most], len(rows) > most)
