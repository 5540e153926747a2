"""What is open on a line: the state of each equipment, the faults that have not cleared."""

from ms5.events.items import Item
from production.models import Condition, Fault, Line
from production.public import fault_of, state_of


def items(line: Line) -> list[Item]:
    """Return the states of the equipment that has data, in flow order, then the open faults by age.

    Their data is that of the newest fact about each, so that a snapshot equals the facts folded.
    """
    conditions = (
        Condition.objects.filter(equipment__line=line, since__isnull=False)
        .select_related("equipment")
        .order_by("equipment__position", "equipment__code")
    )
    faults = Fault.objects.open().filter(equipment__line=line).select_related("equipment")
    return [
        Item(
            type="equipment_state",
            line_id=line.code,
            equipment_code=condition.equipment.code,
            data=state_of(condition, condition.since),
        )
        for condition in conditions
        if condition.since is not None
    ] + [
        Item(
            type="equipment_fault",
            line_id=line.code,
            equipment_code=fault.equipment.code,
            data=fault_of(fault, fault.equipment.code),
        )
        for fault in faults.order_by("raised_at", "pk")
    ]
