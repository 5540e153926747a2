"""Readings of counters become increments with product and ideal cycle, added up by quarter of an hour."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from django.db import connection

from ms5 import rows
from ms5.database import chunks
from production import quarters
from production.counting import CounterState, step
from production.models import Condition, Count, Counter, IdealCycle, Job
from production.observation import CounterReading, Observation
from production.pieces import KINDS, joined
from production.shares import shares

log = logging.getLogger(__name__)

_refused: set[tuple[int, str]] = set()
"""Counters, by equipment and kind, whose last value was refused in this process."""

_CYCLES = """
SELECT id, equipment_id, product_id, effective_from FROM production_idealcycle
WHERE equipment_id IN ({equipment}) AND product_id IN ({products}) ORDER BY effective_from
"""

_COUNTER = (
    "equipment_id",
    "kind",
    "value",
    "read_at",
    "moved_at",
    "away_from",
    "begins_anew",
    "source",
)
# A counter's count is said by nobody, is of no defect, and is not superseded yet.
_COUNT = (
    "equipment_id",
    "kind",
    "quantity",
    "after",
    "at",
    "idle_since",
    "product_id",
    "ideal_cycle_id",
    "job_id",
    "measured",
    "decision",
    "value_before",
    "value",
    "counters",
)

# Quantities add up in the database, which needs the sum of the old row and the new one: no upsert of
# Django's does that, nor names the expressions of an index. The caller holds the equipment's lock.
_ADD = """
INSERT INTO production_tally
    (equipment_id, started_at, kind, product_id, ideal_cycle_id, job_id, measured, counters, quantity)
VALUES {rows}
ON CONFLICT (equipment_id, started_at, kind, COALESCE(product_id, 0), COALESCE(ideal_cycle_id, 0),
    COALESCE(job_id, 0), measured, counters)
DO UPDATE SET quantity = production_tally.quantity + excluded.quantity
"""


_MISSED = 3
"""Readings of its own that a counter may miss before its pieces are of a time that nobody saw."""


@dataclass(slots=True)
class Ledger:
    """The counters of some equipment under lock, and the counts that an action will write for them."""

    counters: dict[tuple[int, str], CounterState]
    counts: list[Count] = field(default_factory=list)
    moved: set[tuple[int, str]] = field(default_factory=set)
    gone: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def of(cls, equipment_ids: Collection[int]) -> Self:
        """Read where the counters stand."""
        if not equipment_ids:
            return cls({})
        found = rows.read(
            Counter,
            f"WHERE equipment_id IN ({rows.marks(equipment_ids)})",
            list(equipment_ids),
        )
        return cls({(row.equipment_id, row.kind): _state(row) for row in found})

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

        A counter that the equipment has no more is forgotten: if it ever comes back, it begins with a baseline,
        since others have counted its pieces meanwhile.

        The pieces were made before the reading: they are of the product that was in force until then.
        They are measured if the state was known then and the counter was read at most `longest` ago, or
        has missed few of its own readings.
        """
        before = len(self.counts)
        self._forget(observation)
        idle_since = self._last_piece(observation)
        counters = joined(self._going_on(observation))
        for reading in observation.counters:
            key = (observation.equipment_id, reading.kind)
            stood, at = self.counters.get(key), reading.read_at or observation.source_at
            if reading.read_at is not None and stood is not None and at <= stood.read_at:
                # It has not been read since: what it shows is no news, and says nothing of its speed.
                continue
            taken = step(stood, reading, at)
            if taken is None:
                _refuse(condition, reading)
                continue
            _refused.discard(key)
            self.counters[key] = taken.state
            self.moved.add(key)
            if not taken.is_noteworthy:
                continue
            held_since = observation.held_from or taken.at
            patience = max(longest, _MISSED * reading.every)
            is_recent = taken.after is None or held_since - taken.after <= patience
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
                    counters=counters,
                )
            )
        self._mark_pause(self.counts[before:], idle_since, observation)
        return self.counts[before:]

    def _own(self, observation: Observation) -> dict[str, CounterState]:
        """Return where the counters of the equipment stand, by kind."""
        pk = observation.equipment_id
        return {kind: self.counters[pk, kind] for kind in KINDS if (pk, kind) in self.counters}

    def _forget(self, observation: Observation) -> None:
        if observation.counts is None:
            return
        for kind in self._own(observation):
            if kind not in observation.counts:
                key = (observation.equipment_id, kind)
                del self.counters[key]
                self.gone.add(key)

    def _going_on(self, observation: Observation) -> set[str]:
        """Return the kinds whose counters count the pieces of this time: not those that only begin by it."""
        shown = {reading.kind: reading for reading in observation.counters}
        return {
            kind
            for kind, stood in self._own(observation).items()
            if not stood.begins_anew and (kind not in shown or stood.is_of(shown[kind]))
        }

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
        kinds = {*self._own(observation), *(each.kind for each in observation.counters)}
        of = shares(kinds)
        return [
            (observation.equipment_id, kind)
            for kind in KINDS
            if kind in kinds and of[kind].total
        ]

    def write(self) -> None:
        """Write counters, counts and tallies."""
        for equipment_id, kind in sorted(self.gone):
            Counter.objects.filter(equipment=equipment_id, kind=kind).delete()
        adapt = rows.time_adapter()
        stand = [
            (
                *key,
                state.value,
                adapt(state.read_at),
                adapt(state.moved_at),
                state.away_from,
                state.begins_anew,
                state.source,
            )
            for key, state in ((key, self.counters[key]) for key in sorted(self.moved))
        ]
        rows.insert_values(Counter, _COUNTER, stand, key=_COUNTER[:2])
        attach_ideal_cycles(self.counts)
        rows.insert(self.counts, _COUNT)
        tally(self.counts)


def quarter(at: datetime) -> datetime:
    """Return the beginning of the quarter of an hour in which pieces read at `at` were made.

    They were made before it, so at the very end of a quarter they are still of that quarter.
    """
    return quarters.begin(at - timedelta(microseconds=1))


def _state(row: Counter) -> CounterState:
    return CounterState(
        row.value, row.read_at, row.moved_at, row.away_from, row.begins_anew, row.source
    )


def _refuse(condition: Condition, reading: CounterReading) -> None:
    """Tell of a value that is none; once, and not at each poll for as long as the counter shows such."""
    key = (condition.pk, reading.kind)
    if key in _refused:
        return
    _refused.add(key)
    log.warning(
        "a counter's value was refused",
        extra={
            "equipment": condition.equipment.code,
            "kind": reading.kind,
            "value": reading.value,
        },
    )


def attach_ideal_cycles(
    counts: Collection[Count], *, leaving: IdealCycle | None = None
) -> None:
    """Give each count the ideal cycle of its product that is in force at its time, if there is one.

    One that is `leaving` is in force no more.
    """
    made = [count for count in counts if count.product_id is not None]
    if not made:
        return
    equipment = {count.equipment_id for count in made}
    products = {count.product_id for count in made}
    with connection.cursor() as cursor:
        cursor.execute(
            _CYCLES.format(equipment=rows.marks(equipment), products=rows.marks(products)),
            [*equipment, *products],
        )
        cycles = cursor.fetchall()
    versions: dict[tuple[int, int | None], list[tuple[int, datetime]]] = defaultdict(list)
    for pk, equipment_id, product_id, effective_from in cycles:
        if leaving is None or pk != leaving.pk:
            versions[equipment_id, product_id].append((pk, rows.aware(effective_from)))
    for count in made:
        for pk, effective_from in versions[count.equipment_id, count.product_id]:
            if effective_from <= count.at:
                count.ideal_cycle_id = pk


def tally(counts: Iterable[Count], *, sign: int = 1) -> None:
    """Add what was counted to its quarters of an hour; with a `sign` of -1 take it out again."""
    sums: dict[tuple[int, datetime, str, int | None, int | None, int | None, bool, str], int]
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
            count.counters,
        )
        sums[key] += sign * count.quantity
    adapt = connection.ops.adapt_datetimefield_value
    added = [
        (equipment, adapt(at), *rest, quantity)
        for (equipment, at, *rest), quantity in sums.items()
        if quantity
    ]
    # SQLite takes 250,000 parameters, PostgreSQL 65,535.
    for some in chunks(added):
        sql = _ADD.format(rows=", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(some)))
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for row in some for value in row])
