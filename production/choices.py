"""Closed vocabularies of the floor."""

from django.db.models import TextChoices


class State(TextChoices):
    """What an equipment does. PackML's seventeen states map onto these."""

    RUNNING = "running"
    IDLE = "idle"
    STOPPED = "stopped"
    FAULTED = "faulted"
    STARVED = "starved"
    BLOCKED = "blocked"
    SETUP = "setup"
    NO_DATA = "no_data", "no data"


class CountKind(TextChoices):
    """What a piece was counted as. `total` counts good and reject alike (ISO 22400 PQ)."""

    GOOD = "good"
    REJECT = "reject"
    TOTAL = "total"


class Decision(TextChoices):
    """How a counter's movement was read."""

    BASELINE = "baseline", "first value: nothing counted"
    COUNTED = "counted"
    ROLLOVER = "rollover", "the counter rolled over"
    RESET = "reset", "the counter was reset"
    JUMP = "jump", "implausible jump: not counted"
    RESUMED = "resumed", "back where it had been: counted from there"


class Severity(TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Source(TextChoices):
    """Where a fault lies, seen from the equipment that reports it."""

    INTERNAL = "internal"
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class MessageKind(TextChoices):
    """What a message bit means; any bit is *not* a fault."""

    FAULT = "fault"
    PROMPT = "prompt", "operator prompt"
    STATUS = "status"
    NOTE = "info"
    UNUSED = "unused"


class ExceptionKind(TextChoices):
    """How a day differs from the shifts."""

    HOLIDAY = "holiday", "holiday: not scheduled"
    OVERTIME = "overtime", "overtime: scheduled as well"
    NO_DEMAND = "no_demand", "no demand: planned not to produce"


class JobStatus(TextChoices):
    """The machine of a job; its state is not that of a machine."""

    PLANNED = "planned"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Category(TextChoices):
    """What kind of downtime it is."""

    PLANNED = "planned"
    UNPLANNED = "unplanned"
    CHANGEOVER = "changeover"
    MAINTENANCE = "maintenance"


class Loss(TextChoices):
    """The bucket of the time account into which a stop falls."""

    PLANNED = "planned", "planned: outside of planned production time"
    STOP = "stop", "unplanned stop"
    CHANGEOVER = "changeover"


class SixLoss(TextChoices):
    """The six big losses of TPM (Nakajima)."""

    FAILURE = "failure", "equipment failure"
    SETUP = "setup", "set-up and adjustment"
    IDLING = "idling", "idling and minor stops"
    SPEED = "speed", "reduced speed"
    DEFECTS = "defects", "process defects"
    STARTUP = "startup", "reduced yield at start-up"


class AndonCategory(TextChoices):
    """What a call is about."""

    STOP = "stop"
    QUALITY = "quality"
    MAINTENANCE = "maintenance"
    MATERIAL = "material"
    SAFETY = "safety"


class CorrectionSubject(TextChoices):
    """What kind of record was corrected."""

    DOWNTIME = "downtime"
    SPAN = "span"
    COUNT = "count"


class CorrectionKind(TextChoices):
    """What was done to it."""

    REASON = "reason"
    SPLIT = "split"
    MERGE = "merge"
    ENDS = "ends"
    COUNT = "count"
    UNDO = "undo"


class ChangeoverStatus(TextChoices):
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class StartedWith(TextChoices):
    """What began a changeover."""

    PERSON = "person"
    PRODUCT = "product", "another product number"
    JOB = "job", "the next job"
    BIT = "bit", "a changeover bit"


class StepKind(TextChoices):
    """Whether the line must stand for a step (SMED)."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class DefectSeverity(TextChoices):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class CheckKind(TextChoices):
    INCOMING = "incoming"
    IN_PROCESS = "in_process", "in process"
    FINAL = "final"
    AUDIT = "audit"


class CheckResult(TextChoices):
    PASS = "pass"  # noqa: S105 - a word, not a secret
    FAIL = "fail"
    CONDITIONAL = "conditional"


class Metric(TextChoices):
    """What a quality threshold looks at."""

    REJECT_RATE = "reject_rate", "reject rate"
    FIRST_PASS_YIELD = "first_pass_yield", "first-pass yield"
    DEFECT = "defect", "share of one defect"


class WindowKind(TextChoices):
    TIME = "time", "minutes"
    ITEMS = "items", "items"


class AlertSeverity(TextChoices):
    WARNING = "warning"
    CRITICAL = "critical"


class OeeMethod(TextChoices):
    """How the figures of a line come from those of its equipment."""

    CONSTRAINT = "constraint", "those of its constraint"
    SUM = "sum", "the sum over its equipment"
