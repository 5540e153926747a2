"""Which policy holds for a call, as it is frozen into it."""

from collections.abc import Iterable
from typing import assert_never

from django.db.models import F, Q

from andon import starting
from andon.choices import Priority, RecipientKind
from andon.escalation import Ladder, Level, Recipient
from andon.models import Policy, PolicyLevel, PolicyRecipient
from production.models import Line


def ladder_for(line: Line, category: str, priority: str) -> Ladder:
    """Return the most particular policy in use, frozen: line and category, line, category, neither.

    Where none is in use, or that one has no levels, it is the starting one: no call goes without.
    """
    theirs = Policy.objects.filter(
        Q(line=line) | Q(line=None), Q(category=category) | Q(category=""), priority=priority
    )
    policy = (
        theirs.filter(is_active=True)
        .order_by(F("line").desc(nulls_last=True), "-category", "pk")
        .first()
    )
    return (ladder_of(policy) if policy else None) or starting.ladder(Priority(priority))


def ladder_of(policy: Policy) -> Ladder | None:
    """Return a policy as it is frozen; None without levels.

    Levels are numbered from one without gaps, and none is due before the one below it.
    """
    rows = policy.levels.prefetch_related("recipients__person", "recipients__duty")
    levels: list[Level] = []
    latest = 0
    for number, row in enumerate(rows.order_by("number"), 1):
        latest = max(latest, row.after_s)
        levels.append(_level(policy, row, number, latest))
    if not levels:
        return None
    return Ladder(
        name=policy.name,
        acknowledge_within_s=policy.acknowledge_within_s,
        resolve_within_s=policy.resolve_within_s,
        levels=tuple(levels),
    )


def _level(policy: Policy, row: PolicyLevel, number: int, after_s: int) -> Level:
    return Level(
        number=number,
        after_s=after_s,
        reminder_every_s=row.reminder_every_s or policy.acknowledge_within_s,
        channels=tuple(row.channels),
        recipients=tuple(_recipients(row.recipients.all())),
    )


def _recipients(rows: Iterable[PolicyRecipient]) -> Iterable[Recipient]:
    for row in rows:
        match RecipientKind(row.kind):
            case RecipientKind.ROLE:
                key = row.role
            case RecipientKind.PERSON:
                key = str(row.person_id)
            case RecipientKind.DUTY:
                key = str(row.duty_id)
            case other:
                assert_never(other)
        yield Recipient(kind=row.kind, key=key, name=str(row))
