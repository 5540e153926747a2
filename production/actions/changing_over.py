"""The running changeover of a line while it is observed: what begins it, and the good pieces that end it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from production.actions import turning
from production.changing import Row, lengthen, made, slowest
from production.choices import ChangeoverStatus, Decision, StartedWith, State
from production.models import (
    Changeover,
    Condition,
    Count,
    Equipment,
    IdealCycle,
    Job,
    Line,
    Product,
)
from production.observation import Observation

MINUTE = timedelta(minutes=1)
_ORDINARY = frozenset({Decision.COUNTED.value, Decision.ROLLOVER.value})


@dataclass(slots=True)
class RunningChangeover:
    """The changeover that runs on a line, under lock; None when none does."""

    line: Line
    changeover: Changeover | None
    row_as_read: int = 0
    pace: "_Pace | None" = None
    made_at: datetime | None = None
    """When this action last saw a piece of the constraint; what it counts is written at its end."""

    @classmethod
    def of(cls, lines: Sequence[Line]) -> dict[int, Self]:
        """Read and lock those of these lines, by line."""
        by_id = {line.pk: line for line in lines}
        return {
            pk: cls(by_id[pk], changeover, changeover.good_in_a_row)
            for pk, changeover in turning.running_on(lines).items()
        }

    def product_seen(
        self, at: datetime, before: Product | None, product: Product | None
    ) -> None:
        """Begin one when the controller names another product than before.

        One that runs turns with it; where the product turns back within it, it is called off.
        The first product ever seen is a set-up; one that follows a number nobody knows changes over from the
        last that was known.
        """
        if product is None:
            return
        known = before or turning.set_before(self.line, at)
        is_first = known is None and self.changeover is None
        if is_first or (known is not None and known.pk == product.pk):
            return
        self._begin(at, known, product, StartedWith.PRODUCT)

    def bit_seen(
        self, condition: Condition, seen: Observation, product: Product | None
    ) -> None:
        """Begin one when the controller's changeover bit comes on: to the product of the line's next job.

        Where no job is next, it is to the present product until the controller names the new one. A bit that
        is on when it is first read of all has not come on.
        """
        if seen.changeover is None:
            return
        came_on = seen.changeover and condition.changeover_bit is False
        condition.changeover_bit = seen.changeover
        if not came_on or self.changeover is not None:
            return
        queued = (
            Job.objects.filter(line=self.line, position__isnull=False)
            .order_by("position")
            .select_related("product")
            .first()
        )
        after = queued.product if queued else product
        if after is not None:
            self._begin(seen.source_at, product, after, StartedWith.BIT)

    def counted(
        self, condition: Condition, counts: Collection[Count], seen: Observation
    ) -> None:
        """Count good pieces in a row; enough of them at rate end it at this reading's time."""
        made_before = self.made_at
        if any(count.quantity for count in counts):
            self.made_at = seen.source_at
        changeover = self.changeover
        if changeover is None or not self._are_of(changeover, counts, seen):
            return
        if self.pace is None:
            self.pace = _Pace.of(condition.equipment, changeover.to_product_id)
        by_kind = {count.kind: count.quantity for count in counts}
        counters = {kind for count in counts for kind in count.counters.split()}
        pieces = made(by_kind, counters & {each.kind for each in seen.counters}, counters)
        is_whole = all(count.measured and count.decision in _ORDINARY for count in counts)
        # After a stop the first piece has taken since it runs again, not since the one before the stop.
        began = (made_before or self.pace.made_before, condition.since)
        since = max((each for each in began if each is not None), default=None)
        row = lengthen(
            Row(changeover.good_in_a_row),
            pieces,
            needed=changeover.good_needed,
            at_rate=is_whole and self.pace.is_kept(pieces.total, since, seen),
        )
        changeover.good_in_a_row = row.good
        if row.is_enough:
            turning.end(changeover, ChangeoverStatus.COMPLETED, seen.source_at)
            self.changeover = None

    def stood(self, condition: Condition, seen: Observation) -> None:
        """Begin the row anew when the constraint is seen to stand, after the pieces it still made.

        Nor does a row reach across time without data, in which it may have stood.
        """
        has_stood = seen.state not in {None, State.RUNNING} or condition.state == State.NO_DATA
        if self.changeover is not None and has_stood:
            self.changeover.good_in_a_row = 0

    def save(self) -> None:
        """Write how many good pieces there are in a row; all else was written when it changed."""
        if self.changeover is not None and self.changeover.good_in_a_row != self.row_as_read:
            self.changeover.save(update_fields=["good_in_a_row"])

    def _begin(
        self, at: datetime, before: Product | None, after: Product, with_: StartedWith
    ) -> None:
        cause = turning.Cause(with_)
        if self.changeover is None:
            self.changeover = turning.begin(self.line, at, before, after, cause)
            self.row_as_read, self.pace = 0, None
        elif turning.is_back(self.changeover, after):
            turning.call_off(self.changeover, at, f"the controller names {after} again")
            self.changeover = None
        elif turning.join(self.changeover, max(at, self.changeover.started_at), after, cause):
            self.row_as_read, self.pace = 0, None

    def _are_of(
        self, changeover: Changeover, counts: Collection[Count], seen: Observation
    ) -> bool:
        """Whether these are pieces of the new product, made since it began.

        While the bit is on and the new product is not named yet, those of the present one are still the old.
        """
        if seen.changeover and changeover.from_product_id == changeover.to_product_id:
            return False
        return all(
            count.product_id == changeover.to_product_id
            and count.after is not None
            and count.after >= changeover.started_at
            for count in counts
        )


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast an equipment must make a product to make it at rate."""

    cycles: Sequence[tuple[datetime, Decimal]]
    """Ideal cycles of the product from their dates, oldest first."""
    made_before: datetime | None
    """When it last made a piece, by what is written."""

    @classmethod
    def of(cls, equipment: Equipment, product_id: int) -> Self:
        cycles = IdealCycle.objects.filter(equipment=equipment, product=product_id)
        newest = Count.objects.filter(equipment=equipment, quantity__gt=0).order_by("-at")
        return cls(
            list(cycles.order_by("effective_from").values_list("effective_from", "seconds")),
            newest.values_list("at", flat=True).first(),
        )

    def is_kept(self, made_now: int, since: datetime | None, seen: Observation) -> bool:
        """Whether a reading is at rate: by the speed that it tells, else by the time since the last piece."""
        in_force = [seconds for begins, seconds in self.cycles if begins <= seen.source_at]
        least = slowest(in_force[-1] if in_force else None)
        if least == 0:
            return True
        if seen.speed is not None:
            return seen.speed >= least
        if since is None or seen.source_at <= since:
            return True
        return made_now / ((seen.source_at - since) / MINUTE) >= least
