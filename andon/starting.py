"""The starting policies and rules of a plant; people edit them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from andon.choices import Category, Channel, Priority, RecipientKind, RuleKind
from andon.escalation import Ladder, Level, Recipient
from andon.models import Policy, PolicyLevel, PolicyRecipient, Rule
from ms5.accounts.roles import Role

MINUTE_S = 60
_QUIET = (Channel.LIVE, Channel.EMAIL)
_ALL = (*_QUIET, Channel.WEBHOOK, Channel.APPRISE)
_FLOOR = (Role.SHIFT_MANAGER, Role.ENGINEER)
_MANAGED = (*_FLOOR, Role.PRODUCTION_MANAGER)
_EVERYONE = (*_MANAGED, Role.ADMIN)
_MANAGERS = (Role.SHIFT_MANAGER, Role.PRODUCTION_MANAGER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Start:
    """Minutes to answer and to resolve, and who is told on each level."""

    answer_min: int
    resolve_min: int
    roles: tuple[tuple[Role, ...], ...]
    channels: tuple[Channel, ...]


POLICIES: Mapping[Priority, Start] = {
    Priority.LOW: Start(15, 60, (_FLOOR, _MANAGED), _QUIET),
    Priority.MEDIUM: Start(10, 45, (_MANAGED, _EVERYONE, _EVERYONE), _QUIET),
    Priority.HIGH: Start(5, 30, (_EVERYONE,) * 3, _ALL),
    Priority.CRITICAL: Start(2, 15, (_MANAGERS, _EVERYONE, _EVERYONE), _ALL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingRule:
    """A rule that is there from the beginning."""

    name: str
    kind: RuleKind
    category: Category = Category.MAINTENANCE
    priority: str = ""
    text: str = ""
    delay_s: int = 0
    is_quiet: bool = True


RULES: tuple[StartingRule, ...] = (
    StartingRule(
        name="Critical fault",
        kind=RuleKind.MESSAGE_BIT,
        priority=Priority.CRITICAL,
        is_quiet=False,
    ),
    StartingRule(name="Reason that stands for a call", kind=RuleKind.REASON),
    StartingRule(
        name="Long stop",
        kind=RuleKind.LONG_STOP,
        category=Category.STOP,
        priority="",
        delay_s=30 * MINUTE_S,
    ),
    StartingRule(
        name="Critical quality",
        kind=RuleKind.QUALITY_ALERT,
        category=Category.QUALITY,
        priority=Priority.HIGH,
    ),
    StartingRule(
        name="Controller lost", kind=RuleKind.LOST_PLC, priority=Priority.HIGH, delay_s=30
    ),
    StartingRule(
        name="Notification undelivered",
        kind=RuleKind.DEAD_DELIVERY,
        priority=Priority.HIGH,
        text="Somebody could not be told:",
        is_quiet=False,
    ),
)


def ladder(priority: Priority) -> Ladder:
    """Return the starting policy of a priority, for where no other holds."""
    start = POLICIES[priority]
    return Ladder(
        name=f"Starting values, {priority.label.lower()}",
        acknowledge_within_s=start.answer_min * MINUTE_S,
        resolve_within_s=start.resolve_min * MINUTE_S,
        levels=tuple(
            Level(
                number=number,
                after_s=(number - 1) * start.answer_min * MINUTE_S,
                reminder_every_s=start.answer_min * MINUTE_S,
                channels=tuple(channel.value for channel in start.channels),
                recipients=tuple(
                    Recipient(
                        kind=RecipientKind.ROLE.value, key=role.value, name=str(role.label)
                    )
                    for role in roles
                ),
            )
            for number, roles in enumerate(start.roles, 1)
        ),
    )


def load() -> tuple[int, int]:
    """Add the starting policies and rules that are missing; return how many of each.

    What is there stays as people have made it: nothing is overwritten or taken into use again. A priority
    that any policy is for, whatever its name, needs none.
    """
    with transaction.atomic():
        policies = sum(_add_policy(priority) for priority in Priority)
        rules = sum(_add_rule(rule) for rule in RULES)
    return policies, rules


def _add_policy(priority: Priority) -> bool:
    general = Policy.objects.filter(priority=priority, category="", line=None)
    if general.exists():
        return False
    start = ladder(priority)
    policy, is_new = Policy.objects.get_or_create(
        name=priority.label,
        defaults={
            "priority": priority,
            "acknowledge_within_s": start.acknowledge_within_s,
            "resolve_within_s": start.resolve_within_s,
        },
    )
    for each in start.levels if is_new else ():
        level = PolicyLevel.objects.create(
            policy=policy,
            number=each.number,
            after_s=each.after_s,
            reminder_every_s=each.reminder_every_s,
            channels=list(each.channels),
        )
        PolicyRecipient.objects.bulk_create(
            PolicyRecipient(level=level, kind=recipient.kind, role=recipient.key)
            for recipient in each.recipients
        )
    return is_new


def _add_rule(rule: StartingRule) -> bool:
    # A kind that people have a rule of is theirs, under whatever name.
    if Rule.objects.filter(kind=rule.kind).exists():
        return False
    Rule.objects.create(
        name=rule.name,
        kind=rule.kind,
        category=rule.category,
        priority=rule.priority,
        text=rule.text,
        delay_s=rule.delay_s,
        least_severity=Priority.CRITICAL,
        quiet_in_changeover=rule.is_quiet,
        quiet_in_planned_stop=rule.is_quiet,
        quiet_in_breaks=rule.is_quiet,
        quiet_behind_a_stop=rule.is_quiet,
    )
    return True
