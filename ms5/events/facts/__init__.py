"""Every type of event: its kind, its data as a class, what its subject is; one table."""

from collections.abc import Mapping

from ms5.events.facts import (
    andon,
    changeover,
    corrections,
    downtime,
    equipment,
    figures,
    jobs,
    quality,
    telemetry,
)
from ms5.events.facts.andon import AndonCall, Escalation
from ms5.events.facts.base import (
    MAX_BYTES,
    MAX_GAUGE_BYTES,
    Data,
    EventType,
    Kind,
    Priority,
    Quality,
    State,
    Window,
)
from ms5.events.facts.changeover import Changeover, Step
from ms5.events.facts.corrections import Correction
from ms5.events.facts.downtime import Downtime
from ms5.events.facts.equipment import EquipmentFault, EquipmentState, PlcStatus
from ms5.events.facts.figures import EquipmentNow, OeeSeconds, OeeUpdate, ProductionUpdate
from ms5.events.facts.jobs import JOB_FACTS, Job, JobProgress, JobStatus
from ms5.events.facts.quality import QualityAlert, QualityWindow, Rejects
from ms5.events.facts.telemetry import TagReading, TelemetryUpdate

__all__ = [
    "JOB_FACTS",
    "MAX_BYTES",
    "MAX_GAUGE_BYTES",
    "TYPES",
    "AndonCall",
    "Changeover",
    "Correction",
    "Data",
    "Downtime",
    "EquipmentFault",
    "EquipmentNow",
    "EquipmentState",
    "Escalation",
    "EventType",
    "Job",
    "JobProgress",
    "JobStatus",
    "Kind",
    "OeeSeconds",
    "OeeUpdate",
    "PlcStatus",
    "Priority",
    "ProductionUpdate",
    "Quality",
    "QualityAlert",
    "QualityWindow",
    "Rejects",
    "State",
    "Step",
    "TagReading",
    "TelemetryUpdate",
    "Window",
]

TYPES: Mapping[str, EventType] = {
    row.name: row
    for family in (
        equipment,
        figures,
        jobs,
        downtime,
        andon,
        quality,
        changeover,
        telemetry,
        corrections,
    )
    for row in family.TYPES
}
