"""Readings of counters become increments with product and ideal cycle, added up by quarter of an hour."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from django.db import connection

from ms5.database import chunks
from production import quarters
from production.counting import CounterState, step
from production.models import Condition, Count, Counter, IdealCycle, Job
from production.observation import Observation
from production.shares import shares

log = logging.getLogger(__name__)

# Quantities add up in the database, which needs the sum of the old row and the new one: no upsert of
# Django's does that, nor names the expressions of an index. The caller holds the equipment's lock.
_ADD = """
INSERT INTO production_tally
    (equipment_id, started_at, kind, product_id, ideal_cycle_id, job_id, measured, quantity)
VALUES {rows}
ON CONFLICT (equipment_id, started_at, kind, COALESCE(product_id, 0), COALESCE(ideal_cycle_id, 0),
    COALESCE(job_id, 0), measured)
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
        job: Job | None,
        *,
        is_known: bool,
        longest: timedelta,
    ) -> list[Count]:
        """Take over what the counters showed; return what was counted.

        The pieces were made before the reading: they are of the product that was in force until then.
        They are measured if the state was known then and the counter was read at most `longest` ago.
        """
        before = len(self.counts)
        idle_since = self._last_piece(observation)
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
            held_since = observation.held_from or taken.at
            is_recent = taken.after is None or held_since - taken.after <= longest
            self.counts.append(
                Count(
                    equipment=condition.equipment,
                    kind=reading.kind,
                    quantity=taken.quantity,
                    after=taken.after,
                    at=taken.at,
                    product_id=product_id,
                    job=job,
                    measured=is_known and is_recent,
                    decision=taken.decision.value,
                    value_before=taken.value_before,
                    value=taken.value,
                )
            )
        self._mark_pause(self.counts[before:], idle_since, observation)
        return self.counts[before:]

    def _last_piece(self, observation: Observation) -> datetime | None:
        """Return the last reading by which a piece had been made; None if nobody knows."""
        own = self._that_tell_pieces(observation)
        moved = [self.counters[key].moved_at for key in own if key in self.counters]
        return max((at for at in moved if at is not None), default=None)

    def _mark_pause(
        self, counted: Iterable[Count], idle_since: datetime | None, observation: Observation
    ) -> None:
        """Note with the first of these pieces since when there was none, if a reading in between saw none."""
        own = self._that_tell_pieces(observation)
        for count in counted:
            if count.quantity and (count.equipment_id, count.kind) in own:
                if idle_since and count.after and idle_since < count.after:
                    count.idle_since = idle_since
                return

    def _that_tell_pieces(self, observation: Observation) -> list[tuple[int, str]]:
        """Return the counters of the equipment of which each movement is a piece more."""
        pk = observation.equipment_id
        kinds = {kind for owner, kind in self.counters if owner == pk}
        kinds |= {reading.kind for reading in observation.counters}
        of = shares(kinds)
        return [(pk, kind) for kind in kinds if of[kind].total]

    def write(self) -> None:
        """Write counters, counts and tallies."""
        Counter.objects.bulk_create(
            [
                Counter(
                    equipment_id=equipment,
                    kind=kind,
                    value=self.counters[equipment, kind].value,
                    read_at=self.counters[equipment, kind].read_at,
                    moved_at=self.counters[equipment, kind].moved_at,
                )
                for equipment, kind in sorted(self.moved)
            ],
            update_conflicts=True,
            unique_fields=["equipment", "kind"],
            update_fields=["value", "read_at", "moved_at"],
        )
        attach_ideal_cycles(self.counts)
        Count.objects.bulk_create(self.counts)
        tally(self.counts)


def quarter(at: datetime) -> datetime:
    """Return the beginning of the quarter of an hour in which pieces read at `at` were made.

    They were made before it, so at the very end of a quarter they are still of that quarter.
    """
    return quarters.begin(at - timedelta(microseconds=1))


def _state(row: Counter) -> CounterState:
    return CounterState(row.value, row.read_at, row.moved_at)


def attach_ideal_cycles(
    counts: Collection[Count], *, leaving: IdealCycle | None = None
) -> None:
    """Give each count the ideal cycle of its product that is in force at its time, if there is one.

    One that is `leaving` is in force no more.
    """
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
        if leaving is not None and cycle.pk == leaving.pk:
            continue
        versions[cycle.equipment_id, cycle.product_id].append(cycle)
    for count in made:
        for cycle in versions[count.equipment_id, count.product_id]:
            if cycle.effective_from <= count.at:
                count.ideal_cycle = cycle


def tally(counts: Iterable[Count], *, sign: int = 1) -> None:
    """Add what was counted to its quarters of an hour; with a `sign` of -1 take it out again."""
    sums: dict[tuple[int, datetime, str, int | None, int | None, int | None, bool], int]
    sums = defaultdict(int)
    for count in counts:
        key = (
            count.equipment_id,
            quarter(count.at),
            count.kind,
            count.product_id,
            count.ideal_cycle_id,
            count.job_id,
            count.measured,
        )
        sums[key] += sign * count.quantity
    adapt = connection.ops.adapt_datetimefield_value
    rows = [
        (equipment, adapt(at), *rest, quantity)
        for (equipment, at, *rest), quantity in sums.items()
        if quantity
    ]
    # SQLite takes 250,000 parameters, PostgreSQL 65,535.
    for some in chunks(rows):
        sql = _ADD.format(rows=", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(some)))
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for row in some for value in row])
