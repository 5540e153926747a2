"""Lines one by one, or some together: a broken one does not silence the others."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from ms5 import rows
from ms5.database import chunks
from production.isolation import each_alone, raise_failed, together_or_alone
from production.models import Condition, Equipment, Line

log = logging.getLogger(__name__)
T = TypeVar("T")

_BROKEN, _FAILED = "a line could not be written", "lines could not be written"
_LOCKED = """
FROM production_condition
JOIN production_equipment ON production_equipment.id = production_condition.equipment_id
JOIN production_line ON production_line.id = production_equipment.line_id
WHERE production_condition.equipment_id IN ({wanted})
ORDER BY production_condition.equipment_id
"""


def per_line(
    items: Sequence[T], equipment_id: Callable[[T], int], act: Callable[[Sequence[T]], int]
) -> int:
    """Call `act` with the items of each line, in the order of lines; return the sum of what it returned.

    Items of an equipment that is gone are left out, with a warning. A line that fails is logged and the
    others go on, then an ExceptionGroup says so; when the database itself fails, that is raised at once.
    """
    done, failed = each_alone(
        _by_line(items, equipment_id),
        lambda own: act(own[1]),
        lambda own: {"line": own[0]},
        log,
        _BROKEN,
    )
    raise_failed(failed, _FAILED)
    return done


def some_lines(
    items: Sequence[T],
    equipment_id: Callable[[T], int],
    act: Callable[[Sequence[T]], int],
    *,
    at_once: int,
) -> int:
    """Call `act` with the items of so many lines at a time, for the sake of the database.

    Where that fails with each of them by itself. All else is as in `per_line`.
    """
    done: int = 0
    failed: list[Exception] = []
    for lines in chunks(_by_line(items, equipment_id), at_once):
        some, broken = together_or_alone(
            lines,
            lambda own: act([item for _, items in own for item in items]),
            lambda own: {"line": own[0]},
            log,
            _BROKEN,
        )
        done += some
        failed += broken
    raise_failed(failed, _FAILED)
    return done


def _by_line(items: Sequence[T], equipment_id: Callable[[T], int]) -> list[tuple[int, list[T]]]:
    lines: dict[int, int] = dict(
        Equipment.objects.filter(pk__in={equipment_id(item) for item in items})
        .order_by()
        .values_list("pk", "line")
    )
    by_line: Mapping[int, list[T]] = defaultdict(list)
    for item in items:
        if (line := lines.get(equipment_id(item))) is None:
            log.warning("no such equipment", extra={"equipment_id": equipment_id(item)})
        else:
            by_line[line].append(item)
    return sorted(by_line.items())


def locked(equipment_ids: Iterable[int]) -> dict[int, Condition]:
    """Lock the conditions in ascending order, making those that are missing; return them by equipment.

    What else an action reads of these equipment it reads after this, in queries of their own: a row that
    came with the lock by a join is as old as the wait for it.
    """
    wanted = set(equipment_ids)
    conditions = _lock(wanted)
    if missing := wanted - conditions.keys():
        Condition.objects.bulk_create(
            [Condition(equipment_id=pk) for pk in sorted(missing)], ignore_conflicts=True
        )
        conditions = _lock(wanted)
    return conditions


def _lock(wanted: Collection[int]) -> dict[int, Condition]:
    conditions: dict[int, Condition] = {}
    found = rows.read_beside(
        (Condition, Equipment, Line),
        _LOCKED.format(wanted=rows.marks(wanted)) + rows.lock("production_condition"),
        list(wanted),
    )
    for condition, equipment, line in found:
        equipment.line, condition.equipment = line, equipment
        conditions[condition.pk] = condition
    return conditions
