"""Faults rise and clear as the set of active ones changes; the first of a stop is its first-out."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from ms5 import rows
from ms5.events.log import append
from production.choices import State
from production.models import Condition, Fault, Span
from production.observation import FaultMessage
from production.public import fault_of
from production.querysets import FaultQuerySet


def open_faults(equipment_ids: Collection[int]) -> dict[int, dict[str, Fault]]:
    """Return the open faults by equipment and code."""
    faults: dict[int, dict[str, Fault]] = {pk: {} for pk in equipment_ids}
    if not faults:
        return faults
    open_ones = f"WHERE cleared_at IS NULL AND equipment_id IN ({rows.marks(equipment_ids)}) ORDER BY id"
    for fault in rows.read(Fault, open_ones, list(equipment_ids)):
        faults[fault.equipment_id][fault.code] = fault
    return faults


def follow(
    condition: Condition,
    known: dict[str, Fault],
    active: Collection[FaultMessage],
    at: datetime,
    *,
    is_running: bool,
) -> bool:
    """Clear the known faults that are not active, raise the active ones that are not known.

    `known` is brought up to date. Return whether the first-out of a stop was among those that rose: the
    first fault that is open since the equipment last ran. One that rises while it still runs may be, since
    a machine takes a moment to stop. Call it after the span in which it ran has ended.
    """
    codes = {message.code for message in active}
    for fault in [known.pop(code) for code in sorted(known.keys() - codes)]:
        fault.cleared_at = at
        fault.save(update_fields=["cleared_at"])
        _say(condition, fault, at)
    rising: dict[str, FaultMessage] = {}
    for message in active:
        if message.code not in known:
            rising.setdefault(message.code, message)
    if not rising:
        return False
    is_first = not known and (is_running or not _of_this_stop(condition).exists())
    for number, message in enumerate(rising.values()):
        known[message.code] = fault = Fault.objects.create(
            equipment=condition.equipment,
            code=message.code,
            text=message.text[:200],
            severity=message.severity,
            source=message.source,
            reason_code=message.reason_code,
            raised_at=at,
            first_out=is_first and number == 0,
        )
        _say(condition, fault, at)
    return is_first


def first_out(condition: Condition) -> str:
    """Return the text of the first-out of the present stop; empty if no fault was open in it.

    Failing a first-out (it cleared while the equipment ran, and what rose with it did not) the oldest.
    """
    first = _of_this_stop(condition).order_by("-first_out", "raised_at", "pk").first()
    return first.text if first else ""


def _of_this_stop(condition: Condition) -> FaultQuerySet:
    """Return the faults that were open at some time since the equipment last ran."""
    faults = Fault.objects.filter(equipment=condition.equipment_id)
    ran = Span.objects.filter(
        equipment=condition.equipment_id, state=State.RUNNING, ended_at__isnull=False
    )
    last = ran.order_by("-ended_at").values_list("ended_at", flat=True).first()
    if last is None:
        return faults
    return faults.filter(Q(cleared_at__isnull=True) | Q(cleared_at__gt=last))


def _say(condition: Condition, fault: Fault, at: datetime) -> None:
    append(
        "equipment_fault",
        fault_of(fault, condition.equipment.code),
        occurred_at=at,
        line_id=condition.equipment.line.code,
        equipment_code=condition.equipment.code,
    )
