"""The public form of states and faults: what a fact says is what a snapshot says."""

from datetime import datetime
from typing import Literal, cast

from ms5.events import facts
from production.models import Condition, Fault

# As `EquipmentFault` declares them; `append()` checks the values.
Severity = Literal["low", "medium", "high", "critical"]
Source = Literal["internal", "upstream", "downstream"]


def state_of(condition: Condition, since: datetime) -> facts.EquipmentState:
    """Return the state of an equipment that has data, `since` when its present span began."""
    return facts.EquipmentState(
        equipment_code=condition.equipment.code,
        state=cast(facts.State, condition.state),
        since=since,
        previous=cast(facts.State, condition.previous) if condition.previous else None,
        reason=condition.reason or None,
    )


def fault_of(fault: Fault, equipment_code: str) -> facts.EquipmentFault:
    """Return a fault, open or cleared."""
    return facts.EquipmentFault(
        id=fault.pk,
        equipment_code=equipment_code,
        code=fault.code,
        text=fault.text,
        severity=cast(Severity, fault.severity),
        source=cast(Source, fault.source),
        reason_code=fault.reason_code or None,
        raised_at=fault.raised_at,
        cleared_at=fault.cleared_at,
        first_out=fault.first_out,
    )
