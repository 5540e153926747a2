"""Controllers, their links and tags, what message bits mean, and the samples kept."""

from telemetry.models.imports import TagImport
from telemetry.models.plcs import Plc, PlcLink
from telemetry.models.readings import Reading, RollUp, Sample, SampleMinute, TagLatest
from telemetry.models.rules import ConfigurationWarning, StateRule
from telemetry.models.tags import MessageBit, Tag, TagQuerySet

__all__ = [
    "ConfigurationWarning",
    "MessageBit",
    "Plc",
    "PlcLink",
    "Reading",
    "RollUp",
    "Sample",
    "SampleMinute",
    "StateRule",
    "Tag",
    "TagImport",
    "TagLatest",
    "TagQuerySet",
]
