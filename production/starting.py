"""The starting set of a plant: why equipment stands, and what may be wrong with a piece; people edit it."""

from dataclasses import dataclass

from django.db import transaction

from production.choices import (
    AndonCategory,
    Category,
    DefectSeverity,
    Loss,
    Severity,
    SixLoss,
)
from production.models import Defect, Reason

STOP, CHANGING, PLANNED = Loss.STOP, Loss.CHANGEOVER, Loss.PLANNED


@dataclass(frozen=True, slots=True)
class StartingReason:
    """A reason with its loss classes; `call` is the Andon category and priority it stands for."""

    code: str
    name: str
    six_loss: str = SixLoss.FAILURE
    is_failure: bool = True
    loss: str = STOP
    category: str = Category.UNPLANNED
    call: tuple[str, str] = ("", "")
    escalate_after_min: int | None = None


def _waits(
    code: str, name: str, call: tuple[str, str] = ("", ""), after_min: int | None = None
) -> StartingReason:
    """Return a reason for which nothing of the equipment has failed: it waits."""
    return StartingReason(
        code, name, SixLoss.IDLING, is_failure=False, call=call, escalate_after_min=after_min
    )


def _planned(
    code: str,
    name: str,
    category: str = Category.PLANNED,
    loss: str = PLANNED,
    six_loss: str = SixLoss.SETUP,
) -> StartingReason:
    return StartingReason(code, name, six_loss, is_failure=False, loss=loss, category=category)


_MAINTENANCE = AndonCategory.MAINTENANCE
_HIGH = (_MAINTENANCE, Severity.HIGH)
_MEDIUM = (_MAINTENANCE, Severity.MEDIUM)
_CRITICAL = (_MAINTENANCE, Severity.CRITICAL)
_MATERIAL = (AndonCategory.MATERIAL, Severity.MEDIUM)
_QUALITY = (AndonCategory.QUALITY, Severity.MEDIUM)

# A group is a reason too: it may be given when nobody knows more.
REASONS: tuple[tuple[StartingReason, tuple[StartingReason, ...]], ...] = (
    (
        StartingReason("MECHANICAL", "Mechanical", call=_HIGH),
        (
            StartingReason("MECH_FAULT", "Mechanical fault", call=_HIGH, escalate_after_min=15),
            StartingReason("BEARING_FAIL", "Bearing failed", call=_HIGH),
            StartingReason("BELT_BREAK", "Belt broke", call=_MEDIUM),
            StartingReason("GEAR_FAIL", "Gear failed", call=_HIGH),
            StartingReason("MOTOR_FAIL", "Motor failed", call=_HIGH),
        ),
    ),
    (
        StartingReason("ELECTRICAL", "Electrical", call=_HIGH),
        (
            StartingReason("ELEC_FAULT", "Electrical fault", call=_HIGH, escalate_after_min=10),
            StartingReason("SENSOR_FAIL", "Sensor failed", call=_MEDIUM),
            StartingReason(
                "PLC_FAULT", "Controller fault", call=_CRITICAL, escalate_after_min=5
            ),
            StartingReason("POWER_LOSS", "Power lost", call=_CRITICAL),
            StartingReason("WIRING_FAULT", "Wiring fault", call=_HIGH),
        ),
    ),
    (
        _waits("MATERIAL", "Material", _MATERIAL),
        (
            _waits("MAT_SHORTAGE", "Material is missing", _MATERIAL, 30),
            _waits("MAT_JAM", "Material jammed", _MATERIAL, 20),
            _waits("WRONG_MAT", "Wrong material", _MATERIAL),
            _waits("MAT_QUALITY", "Material is bad", _MATERIAL),
        ),
    ),
    (
        _waits("FLOW", "Flow"),
        (
            _waits("UPSTREAM_STOP", "Upstream stands", after_min=60),
            _waits("DOWNSTREAM_STOP", "Downstream stands", after_min=60),
            _waits("CONVEYOR_STOP", "Conveyor stands"),
        ),
    ),
    (
        _planned("PLANNED", "Planned"),
        (
            _planned("MAINTENANCE", "Planned maintenance", Category.MAINTENANCE),
            _planned("CHANGEOVER", "Changeover", Category.CHANGEOVER, CHANGING),
            _planned("CLEANING", "Cleaning"),
            _planned("INSPECTION", "Inspection"),
            _planned("BREAK_TIME", "Break"),
        ),
    ),
    (
        _waits("QUALITY", "Quality", _QUALITY),
        (
            _waits("QUALITY_ISSUE", "Quality problem", _QUALITY),
            _waits("REJECTION", "Too many rejects", _QUALITY),
            _waits("REWORK", "Rework", _QUALITY),
        ),
    ),
    (
        _waits("OTHERS", "Other"),
        (
            StartingReason("UNKNOWN", "Unknown", call=_MEDIUM, escalate_after_min=30),
            _waits("OTHER", "Another reason"),
        ),
    ),
)

DEFECTS: tuple[tuple[str, str, str, str], ...] = (
    ("DIM-001", "Too long", "dimensional", DefectSeverity.MAJOR),
    ("DIM-002", "Too short", "dimensional", DefectSeverity.MAJOR),
    ("VIS-001", "Bad print", "visual", DefectSeverity.MINOR),
    ("VIS-002", "Off colour", "visual", DefectSeverity.MINOR),
    ("FUN-001", "Seal is open", "functional", DefectSeverity.CRITICAL),
    ("FUN-002", "Leaks", "functional", DefectSeverity.CRITICAL),
    ("PAC-001", "Label is wrong", "packaging", DefectSeverity.MINOR),
    ("PAC-002", "Packaging is torn", "packaging", DefectSeverity.MAJOR),
)


def load() -> tuple[int, int]:
    """Add the reasons and defects whose codes are missing; return how many of each.

    What is there stays as people have made it: nothing is overwritten, moved or taken into use again.
    """
    with transaction.atomic():
        reasons = 0
        for position, (group, members) in enumerate(REASONS):
            above, is_new = _add(group, None, position)
            reasons += is_new
            for place, member in enumerate(members):
                reasons += _add(member, above, place)[1]
        defects = 0
        for code, name, category, severity in DEFECTS:
            fields = {"name": name, "category": category, "severity": severity}
            defects += Defect.objects.get_or_create(code=code, defaults=fields)[1]
    return reasons, defects


def _add(reason: StartingReason, above: Reason | None, position: int) -> tuple[Reason, bool]:
    category, priority = reason.call
    return Reason.objects.get_or_create(
        code=reason.code,
        defaults={
            "name": reason.name,
            "parent": above,
            "position": position,
            "category": reason.category,
            "loss": reason.loss,
            "six_loss": reason.six_loss,
            "is_failure": reason.is_failure,
            "andon_category": category,
            "andon_priority": priority,
            "escalate_after_min": reason.escalate_after_min,
        },
    )
