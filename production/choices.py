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
