"""Lines one by one: each in a transaction of its own, so that a broken one does not silence the others."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from production.isolation import each_alone, raise_failed
from production.models import Condition, Equipment

log = logging.getLogger(__name__)
T = TypeVar("T")


def per_line(
    items: Sequence[T], equipment_id: Callable[[T], int], act: Callable[[Sequence[T]], int]
) -> int:
    """Call `act` with the items of each line, in the order of lines; return the sum of what it returned.

    Items of an equipment that is gone are left out, with a warning. A line that fails is logged and the
    others go on, then an ExceptionGroup says so; when the database itself fails, that is raised at once.
    """
    lines: dict[int, int] = dict(
        Equipment.objects.filter(pk__in={equipment_id(item) for item in items}).values_list(
            "pk", "line"
        )
    )
    by_line: Mapping[int, list[T]] = defaultdict(list)
    for item in items:
        if (line := lines.get(equipment_id(item))) is None:
            log.warning("no such equipment", extra={"equipment_id": equipment_id(item)})
        else:
            by_line[line].append(item)
    done, failed = each_alone(
        sorted(by_line.items()),
        lambda own: act(own[1]),
        lambda own: {"line": own[0]},
        log,
        "a line could not be written",
    )
    raise_failed(failed, "lines could not be written")
    return done


def locked(equipment_ids: Iterable[int]) -> dict[int, Condition]:
    """Lock the conditions in ascending order, making those that are missing; return them by equipment.

    What else an action reads of these equipment it reads after this, in queries of their own: a row that
    came with the lock by a join is as old as the wait for it.
    """
    wanted = set(equipment_ids)
    rows = (
        Condition.objects.select_for_update(of=("self",))
        .select_related("equipment__line")
        .filter(pk__in=wanted)
        .order_by("pk")
    )
    conditions = {row.pk: row for row in rows}
    if missing := wanted - conditions.keys():
        Condition.objects.bulk_create(
            [Condition(equipment_id=pk) for pk in sorted(missing)], ignore_conflicts=True
        )
        conditions = {row.pk: row for row in rows.all()}
    return conditions
