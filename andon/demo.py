"""Calls of the demo bakery: a rule for its jams, and how its last long stops were called and answered."""

import random
from datetime import datetime, timedelta

from andon.actions import calls
from andon.choices import Category, Priority, RuleKind
from andon.models import AndonCall, Rule
from ms5.accounts.models import User
from ms5.accounts.roles import Role
from ms5.events.log import recording
from production.models import Downtime, Reason

JAM = "MAT_JAM"
PAST = timedelta(days=1)
LONG = timedelta(minutes=4)
"""What is called for in the past that is written."""
MOST = 40
_WORDS = {
    Category.STOP: ("Line stands", "cleared, running again"),
    Category.MAINTENANCE: ("Machine needs a fitter", "part replaced"),
    Category.MATERIAL: ("Material is missing", "brought from the store"),
    Category.QUALITY: ("Pieces look wrong", "setting corrected"),
}


def load_rule() -> bool:
    """Let the bakery's jams raise calls, so that its board lives; return whether the rule is new."""
    reason = Reason.objects.filter(code=JAM).first()
    if reason is None:
        return False
    _, is_new = Rule.objects.get_or_create(
        name="Jam of the bakery",
        defaults={
            "kind": RuleKind.MESSAGE_BIT,
            "reason": reason,
            "least_severity": Priority.LOW,
            "category": Category.STOP,
            "priority": Priority.MEDIUM,
            "delay_s": 10,
        },
    )
    return is_new


def write_past(until: datetime) -> int:
    """Write the calls of the long stops of the day before `until`, through today's actions; return how many.

    Nothing is written where there are calls, or nobody to answer them. Each call is raised and resolved in
    one transaction, so that no sweep finds it open.
    """
    operator = User.objects.filter(role=Role.OPERATOR, is_active=True).order_by("pk").first()
    answers = (Role.SHIFT_MANAGER, Role.MAINTENANCE, Role.ENGINEER, Role.PRODUCTION_MANAGER)
    people = list(User.objects.filter(role__in=answers, is_active=True).order_by("pk"))
    if operator is None or not people or AndonCall.objects.exists():
        return 0
    stops = Downtime.objects.filter(
        started_at__gte=until - PAST, ended_at__lte=until
    ).select_related("equipment__line__area__site", "reason")
    chance = random.Random(f"calls {until:%Y-%m-%d}")  # noqa: S311 - no secrets
    written = 0
    for stop in stops.order_by("started_at", "pk"):
        if stop.ended_at is None or stop.ended_at - stop.started_at < LONG or written == MOST:
            continue
        _called(stop, operator, chance.choice(people), chance)
        written += 1
    return written


def _called(stop: Downtime, operator: User, who: User, chance: random.Random) -> None:
    """Write one call: raised a minute into the stop, resolved when it ended."""
    category = Category(chance.choice(list(_WORDS)))
    said, done = _WORDS[category]
    begin = stop.started_at + timedelta(minutes=1)
    end = stop.ended_at or begin
    passed = end - begin
    with recording():
        call = calls.raise_call(
            stop.equipment.line,
            equipment=stop.equipment,
            category=category,
            priority=chance.choice([Priority.MEDIUM, Priority.HIGH]),
            description=str(stop.reason or said),
            downtime=stop,
            actor=operator,
            at=begin,
        )
        answered = begin + passed * chance.uniform(0.1, 0.5)
        calls.acknowledge(call, actor=who, at=answered)
        if chance.random() < 0.8:
            calls.arrive(call, actor=who, at=answered + (end - answered) * 0.3)
        calls.resolve(call, actor=who, at=end, text=done)
