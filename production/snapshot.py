"""What is open on lines: states, faults, jobs, downtimes, changeovers, quality alerts."""

from collections.abc import Collection

from ms5.events.items import Item
from production.models import Condition, Fault, Line
from production.public import changeovers, downtimes, fault_of, jobs, quality, state_of


def items(line: Line) -> list[Item]:
    """Return the states of the equipment that has data, in flow order, then what is open, by kind and age.

    Their data is that of the newest fact about each, so that a snapshot equals the facts folded.
    """
    return items_of([line])[line.code]


def items_of(lines: Collection[Line]) -> dict[str, list[Item]]:
    """Return the same by line for all of them, in as many queries as for one."""
    conditions = (
        Condition.objects.filter(equipment__line__in=lines, since__isnull=False)
        .select_related("equipment__line")
        .order_by("equipment__position", "equipment__code")
    )
    faults = (
        Fault.objects.open()
        .filter(equipment__line__in=lines)
        .select_related("equipment__line")
        .order_by("raised_at", "pk")
    )
    found = [
        Item(
            type="equipment_state",
            line_id=condition.equipment.line.code,
            equipment_code=condition.equipment.code,
            data=state_of(condition, condition.since),
        )
        for condition in conditions
        if condition.since is not None
    ]
    found += [
        Item(
            type="equipment_fault",
            line_id=fault.equipment.line.code,
            equipment_code=fault.equipment.code,
            data=fault_of(fault, fault.equipment.code),
        )
        for fault in faults
    ]
    for topic in (jobs, downtimes, changeovers, quality):
        found += topic.open_items(lines)
    by_line: dict[str, list[Item]] = {line.code: [] for line in lines}
    for item in found:
        if item.line_id is not None:
            by_line[item.line_id].append(item)
    return by_line
