"""How long changeovers should take, and of which steps they consist, as people set it."""

from collections.abc import Sequence
from typing import Any

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.models import ChangeoverTarget, StepPlan


@retried
def save_target(
    target: ChangeoverTarget, steps: Sequence[StepPlan] | None, *, actor: User
) -> ChangeoverTarget:
    """Write a target, new or changed, with its steps in this order (None: as they are), and return it.

    It holds for changeovers that begin, or turn to another product, from now on. Idempotent: what is so already
    is not audited. Raises ValidationError for what cannot be, such as a second target for a pair of products.
    """
    with recording():
        old = None
        if target.pk is not None:
            old = (
                ChangeoverTarget.objects.select_for_update(of=("self",))
                .filter(pk=target.pk)
                .first()
            )
        before = _told(old) if old else None
        target.full_clean()
        for step in steps or ():
            step.full_clean(exclude=["target"])
        target.save()
        if steps is not None:
            target.step_plans.all().delete()
            for position, step in enumerate(steps, 1):
                step.pk, step.target, step.position = None, target, position
            StepPlan.objects.bulk_create(steps)
        after = _told(target)
        if after != before:
            _audit(actor, "change" if before else "add", target, before, after)
    return target


@retried
def delete_target(target: ChangeoverTarget, *, actor: User) -> None:
    """Take a target away with its steps. Idempotent: one that is gone already is not audited again."""
    with recording():
        row = (
            ChangeoverTarget.objects.select_for_update(of=("self",))
            .filter(pk=target.pk)
            .first()
        )
        if row is not None:
            _audit(actor, "delete", row, _told(row), None)
            row.delete()


def _told(target: ChangeoverTarget) -> dict[str, Any]:
    """Return its columns, and its steps as one, since they are set together."""
    steps = StepPlan.objects.filter(target=target.pk).order_by("position", "pk")
    return {
        **audit.public_fields(target),
        "minutes": f"{target.minutes:.2f}",
        "steps": [
            [step.name, step.kind, None if step.minutes is None else f"{step.minutes:.2f}"]
            for step in steps
        ],
    }


def _audit(
    actor: User,
    verb: str,
    target: ChangeoverTarget,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    audit.record(
        actor,
        f"changeovertarget.{verb}",
        target,
        before=before,
        after=after,
        line_id=target.line.code if target.line else "",
    )
