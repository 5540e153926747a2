"""Tables of the plant: what it is made of, and what happens in it."""

from production.models.access import LineAccess
from production.models.calendar import Break, CalendarException, Shift
from production.models.changeovers import Changeover, ChangeoverStep, ChangeoverTarget, StepPlan
from production.models.corrections import Correction
from production.models.counters import Counter
from production.models.downtimes import Downtime, LossTally, Reason
from production.models.floor import (
    Area,
    Equipment,
    IdealCycle,
    Line,
    PastThreshold,
    Product,
    Site,
)
from production.models.jobs import Job, JobRun
from production.models.quality import (
    CheckDefect,
    Defect,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from production.models.records import (
    Condition,
    Context,
    ContextChange,
    Count,
    Fault,
    Settlement,
    Span,
    Tally,
    TimeTally,
)

__all__ = [
    "Area",
    "Break",
    "CalendarException",
    "Changeover",
    "ChangeoverStep",
    "ChangeoverTarget",
    "CheckDefect",
    "Condition",
    "Context",
    "ContextChange",
    "Correction",
    "Count",
    "Counter",
    "Defect",
    "Downtime",
    "Equipment",
    "Fault",
    "IdealCycle",
    "Job",
    "JobRun",
    "Line",
    "LineAccess",
    "LossTally",
    "PastThreshold",
    "Product",
    "QualityAlert",
    "QualityCheck",
    "QualityThreshold",
    "Reason",
    "Settlement",
    "Shift",
    "Site",
    "Span",
    "StepPlan",
    "Tally",
    "TimeTally",
]
