"""Controllers, their links and tags, what message bits mean, and the samples kept."""

from telemetry.models.plcs import Plc, PlcLink
from telemetry.models.readings import Reading, Sample, TagLatest
from telemetry.models.tags import MessageBit, Tag, TagQuerySet

__all__ = [
    "MessageBit",
    "Plc",
    "PlcLink",
    "Reading",
    "Sample",
    "Tag",
    "TagLatest",
    "TagQuerySet",
]
