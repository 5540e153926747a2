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
    def under_lock(
        cls, conditions: Collection[Condition], counting: Collection[int]
    ) -> dict[int, Self]:
        """Read them by line for these conditions, which are locked; locks come in this order.

        Where the counters of none of the `counting` equipment were read, no job is looked for.
        """
        lines = {each.equipment.line_id: each.equipment.line for each in conditions}
        constraints = [each for each in conditions if each.equipment.is_constraint]
        jobs = RunningJob.of(
            {each.equipment.line_id for each in conditions if each.pk in counting}
        )
        # A changeover follows the constraint alone.
        changeovers = RunningChangeover.of([each.equipment.line for each in constraints])
        return {
            pk: cls(
                jobs.get(pk) or RunningJob(None),
                changeovers.get(pk) or RunningChangeover(line, None),
            )
            for pk, line in lines.items()
        }

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

    @staticmethod
    def save(works: Collection["LineWork"]) -> None:
        """Write what has changed on these lines, the facts last."""
        RunningJob.save([each.running_job for each in works])
        for each in works:
            each.running_changeover.save()
