"""The policy as people set it: its levels and their recipients in one transaction, audited as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from andon.models import Policy, PolicyLevel, PolicyRecipient
from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried


@dataclass(frozen=True, slots=True)
class LevelSaid:
    """A level as it is to be, with whom it tells; neither is saved yet."""

    level: PolicyLevel
    recipients: Sequence[PolicyRecipient]


@retried
def save_policy(policy: Policy, levels: Sequence[LevelSaid] | None, *, actor: User) -> Policy:
    """Write a policy, new or changed, with its levels (None: as they are), and return it.

    It holds for calls that are raised from now on; no running call is touched. Idempotent: what is so
    already is not audited. Raises ValidationError for what cannot be, such as a second one for the same calls.
    """
    with recording():
        before = None
        if policy.pk is not None:
            rows = Policy.objects.select_for_update(of=("self",))
            old = rows.filter(pk=policy.pk).first()
            before = whole(old) if old else None
        policy.full_clean()
        policy.save()
        if levels is not None:
            policy.levels.all().delete()
            for said in levels:
                _add(policy, said)
        audit_policy(policy, before, actor=actor)
    return policy


@retried
def delete_policy(policy: Policy, *, actor: User) -> None:
    """Take a policy away; running calls keep what is frozen into them. Idempotent."""
    with recording():
        rows = Policy.objects.select_for_update(of=("self",))
        row = rows.filter(pk=policy.pk).first()
        if row is not None:
            audit.record(
                actor, "policy.delete", row, before=whole(row), line_id=_line_code(row)
            )
            row.delete()


def audit_policy(policy: Policy, before: Mapping[str, Any] | None, *, actor: User) -> None:
    """Write what has become of a policy, unless it is as it was; `before` is None for a new one."""
    after = whole(policy)
    if after == before:
        return
    verb = "add" if before is None else "change"
    audit.record(
        actor, f"policy.{verb}", policy, before=before, after=after, line_id=_line_code(policy)
    )


def whole(policy: Policy) -> dict[str, Any]:
    """Return a policy's columns, and its levels as one, since they are set together."""
    levels = PolicyLevel.objects.filter(policy=policy.pk).order_by("number")
    return {
        **audit.public_fields(policy),
        "levels": [
            {
                "number": level.number,
                "after_s": level.after_s,
                "reminder_every_s": level.reminder_every_s,
                "channels": level.channels,
                "recipients": [str(recipient) for recipient in level.recipients.all()],
            }
            for level in levels.prefetch_related("recipients__person", "recipients__duty")
        ],
    }


def _add(policy: Policy, said: LevelSaid) -> None:
    said.level.pk, said.level.policy = None, policy
    said.level.full_clean()
    said.level.save()
    for recipient in said.recipients:
        recipient.pk, recipient.level = None, said.level
        recipient.full_clean()
    PolicyRecipient.objects.bulk_create(said.recipients)


def _line_code(policy: Policy) -> str:
    return policy.line.code if policy.line else ""
