"""The public form of changeovers: what a fact says is what a snapshot says."""

from collections.abc import Collection
from typing import Literal, cast

from ms5.accounts.models import User
from ms5.events import facts
from ms5.events.items import Item
from production.choices import ChangeoverStatus
from production.models import Changeover, ChangeoverStep, Line

# As the fact declares them; `append()` checks the values.
Status = Literal["running", "completed", "cancelled"]
With = Literal["person", "product", "job", "bit"]
Kind = Literal["internal", "external"]
MOST_STEPS = 20
LONGEST_NAME = 100


def changeover_of(changeover: Changeover) -> facts.Changeover:
    """Return the changeover as it stands, with up to twenty steps, as read from the database."""
    before, after = changeover.from_product, changeover.to_product
    ended_at = changeover.ended_at
    return facts.Changeover(
        id=changeover.pk,
        status=cast(Status, changeover.status),
        from_product_code=before.code if before else None,
        from_product=before.name if before else None,
        to_product_code=after.code,
        to_product=after.name,
        job_id=changeover.job_id,
        started_at=changeover.started_at,
        ended_at=ended_at,
        target_seconds=changeover.target_s,
        actual_seconds=(ended_at - changeover.started_at).total_seconds() if ended_at else None,
        over_target_at=changeover.over_target_at,
        started_with=cast(With, changeover.started_with),
        started_by=_name(changeover.started_by),
        ended_by=_name(changeover.ended_by),
        good_needed=changeover.good_needed,
        note=changeover.note or None,
        steps=[_step(step) for step in list(changeover.steps.all())[:MOST_STEPS]],
    )


def open_items(lines: Collection[Line]) -> list[Item]:
    """Return the running changeover of each line that has one."""
    running = (
        Changeover.objects.filter(line__in=lines, status=ChangeoverStatus.RUNNING)
        .select_related("line", "from_product", "to_product", "started_by", "ended_by")
        .prefetch_related("steps")
    )
    return [
        Item(
            type="changeover_started",
            line_id=changeover.line.code,
            equipment_code=None,
            data=changeover_of(changeover),
        )
        for changeover in running
    ]


def _name(user: User | None) -> str | None:
    return str(user)[:LONGEST_NAME] if user else None


def _step(step: ChangeoverStep) -> facts.Step:
    return facts.Step(
        name=step.name,
        kind=cast(Kind, step.kind),
        target_seconds=step.target_s,
        started_at=step.started_at,
        ended_at=step.ended_at,
    )
