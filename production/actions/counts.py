"""Readings of counters become increments with product and ideal cycle, added up by quarter of an hour."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from django.db import connection

from production.counting import CounterState, step
from production.models import Condition, Count, Counter, IdealCycle
from production.observation import Observation

log = logging.getLogger(__name__)

Value = int | str | bool | None
QUARTER = timedelta(minutes=15)
_EPOCH_QUARTER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

# Quantities add up in the database, which needs the sum of the old row and the new one: no upsert of
# Django's does that, nor names the condition of a partial index. The caller holds the equipment's lock.
_ADD = """
INSERT INTO production_tally (equipment_id, started_at, kind, product_id, measured, quantity)
VALUES {rows}
ON CONFLICT ({key}) WHERE product_id IS {null}NULL
DO UPDATE SET quantity = production_tally.quantity + excluded.quantity
"""


@dataclass(slots=True)
class Ledger:
    """The counters of some equipment under lock, and the counts that an action will write for them."""

    counters: dict[tuple[int, str], CounterState]
    counts: list[Count] = field(default_factory=list)
    moved: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def of(cls, equipment_ids: Collection[int]) -> Self:
        """Read where the counters stand."""
        rows = Counter.objects.filter(equipment__in=equipment_ids)
        return cls({(row.equipment_id, row.kind): _state(row) for row in rows})

    def read(
        self,
        condition: Condition,
        observation: Observation,
        product_id: int | None,
        *,
        is_known: bool,
        longest: timedelta,
    ) -> None:
        """Take over what the counters showed.

        The pieces were made before the reading: they are of the product that was in force until then.
        They are measured if the state was known then and the counter was read at most `longest` ago.
        """
        for reading in observation.counters:
            key = (observation.equipment_id, reading.kind)
            taken = step(self.counters.get(key), reading, observation.source_at)
            if taken is None:
                log.warning(
                    "a counter's value was refused",
                    extra={
                        "equipment": condition.equipment.code,
                        "kind": reading.kind,
                        "value": reading.value,
                    },
                )
                continue
            self.counters[key] = taken.state
            self.moved.add(key)
            if not taken.is_noteworthy:
                continue
            is_recent = taken.after is None or taken.at - taken.after <= longest
            self.counts.append(
                Count(
                    equipment=condition.equipment,
                    kind=reading.kind,
                    quantity=taken.quantity,
                    after=taken.after,
                    at=taken.at,
                    product_id=product_id,
                    measured=is_known and is_recent,
                    decision=taken.decision.value,
                    value_before=taken.value_before,
                    value=taken.value,
                )
            )

    def write(self) -> None:
        """Write counters, counts and tallies."""
        Counter.objects.bulk_create(
            [
                Counter(
                    equipment_id=equipment,
                    kind=kind,
                    value=self.counters[equipment, kind].value,
                    read_at=self.counters[equipment, kind].read_at,
                )
                for equipment, kind in sorted(self.moved)
            ],
            update_conflicts=True,
            unique_fields=["equipment", "kind"],
            update_fields=["value", "read_at"],
        )
        _attach_ideal_cycles(self.counts)
        Count.objects.bulk_create(self.counts)
        _tally(self.counts)


def quarter(at: datetime) -> datetime:
    """Return the beginning of the quarter of an hour in which pieces read at `at` were made.

    They were made before it, so at the very end of a quarter they are still of that quarter.
    """
    made = at - timedelta(microseconds=1)
    return made - (made - _EPOCH_QUARTER) % QUARTER


def _state(row: Counter) -> CounterState:
    return CounterState(row.value, row.read_at)


def _attach_ideal_cycles(counts: Collection[Count]) -> None:
    made = [count for count in counts if count.product_id is not None]
    if not made:
        return
    cycles = IdealCycle.objects.filter(
        equipment__in={count.equipment_id for count in made},
        product__in={count.product_id for count in made},
        effective_from__lte=max(count.at for count in made),
    ).order_by("effective_from")
    versions: dict[tuple[int, int | None], list[IdealCycle]] = defaultdict(list)
    for cycle in cycles:
        versions[cycle.equipment_id, cycle.product_id].append(cycle)
    for count in made:
        for cycle in versions[count.equipment_id, count.product_id]:
            if cycle.effective_from <= count.at:
                count.ideal_cycle = cycle


def _tally(counts: Iterable[Count]) -> None:
    sums: dict[tuple[int, datetime, str, int | None, bool], int] = defaultdict(int)
    for count in counts:
        key = (
            count.equipment_id,
            quarter(count.at),
            count.kind,
            count.product_id,
            count.measured,
        )
        sums[key] += count.quantity
    adapt = connection.ops.adapt_datetimefield_value
    rows = [
        (equipment, adapt(at), kind, product, measured, quantity)
        for (equipment, at, kind, product, measured), quantity in sums.items()
        if quantity > 0
    ]
    _add([row for row in rows if row[3] is not None], has_product=True)
    _add([row for row in rows if row[3] is None], has_product=False)


def _add(rows: Collection[tuple[Value, ...]], *, has_product: bool) -> None:
    if not rows:
        return
    key = "equipment_id, started_at, kind, measured"
    sql = _ADD.format(
        rows=", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows)),
        key="equipment_id, started_at, kind, product_id, measured" if has_product else key,
        null="NOT " if has_product else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in rows for value in row])
