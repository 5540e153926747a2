"""What a line is at while it is observed: its running job and its running changeover, under lock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from production.actions.changing_over import RunningChangeover
from production.actions.working import RunningJob
from production.models import Condition, Count, Job, Product
from production.observation import Observation


@dataclass(slots=True)
class LineWork:
    """The line's job counts what its constraint makes; its changeover ends with good pieces of it."""

    running_job: RunningJob
    running_changeover: RunningChangeover

    @classmethod
    def under_lock(cls, conditions: Collection[Condition], *, is_counting: bool) -> Self:
        """Read them for the line of these conditions, which are locked; locks come in this order.

        Where no counter was read, no job is looked for.
        """
        line = next(iter(conditions)).equipment.line
        job = RunningJob.of(line) if is_counting else RunningJob(None)
        # A changeover follows the constraint alone.
        follows = any(condition.equipment.is_constraint for condition in conditions)
        changeover = RunningChangeover.of(line) if follows else RunningChangeover(line, None)
        return cls(job, changeover)

    def job_at(self, at: datetime) -> Job | None:
        """Return what pieces that are read at this moment were made for."""
        return self.running_job.at(at)

    def follow(
        self,
        condition: Condition,
        seen: Observation,
        counted: list[Count],
        before: Product | None,
        product: Product | None,
    ) -> None:
        """Let both follow an observation of one of the line's equipment."""
        if not condition.equipment.is_constraint:
            return
        self.running_changeover.product_seen(seen.source_at, before, product)
        self.running_changeover.bit_seen(condition, seen, product)
        if counted:
            self.running_changeover.counted(condition, counted, seen)
            self.running_job.counted(counted, seen.source_at)
        self.running_changeover.stood(condition, seen)

    def save(self) -> None:
        """Write what has changed, the facts last."""
        self.running_job.save()
        self.running_changeover.save()
