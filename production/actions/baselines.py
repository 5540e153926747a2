"""Counters that may count something else from now on: nothing is made of the difference."""

from collections import defaultdict
from collections.abc import Collection

from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions.lines import locked
from production.models import Counter


@retried
def begin_anew(counters: Collection[tuple[int, str]]) -> int:
    """Let the next value of these counters be a baseline, which counts nothing; return how many there are.

    Each is the id of an equipment and a `CountKind`; one that was never read begins with a baseline anyway.
    What was counted stays, for its job too. An observation under way is written wholly before this or after it.
    Idempotent.
    """
    by_kind: dict[str, set[int]] = defaultdict(set)
    for equipment_id, kind in counters:
        by_kind[kind].add(equipment_id)
    with recording():
        locked(equipment_id for equipment_id, _ in counters)
        return sum(
            Counter.objects.filter(kind=kind, equipment__in=ids).update(begins_anew=True)
            for kind, ids in by_kind.items()
        )
