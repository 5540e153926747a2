"""Lines, people, endpoints and a fast policy for the run."""

from dataclasses import dataclass

from andon.models import Endpoint, Policy, PolicyLevel, PolicyRecipient
from ms5.accounts.models import User
from ms5.accounts.roles import Role
from production.models import Equipment, Line
from tests import factories

LEVELS_AFTER_S = (0, 3, 6)
RESOLVE_WITHIN_S = 5
REMINDER_EVERY_S = 15
SECRET = "the-secret-of-the-run"


@dataclass(frozen=True)
class Floor:
    """Each call has an equipment of its own; each line an endpoint; two people are told of everything."""

    equipment: tuple[Equipment, ...]
    lines: tuple[Line, ...]
    people: tuple[User, ...]

    @property
    def each_is_told(self) -> int:
        """Deliveries of a step: each person on the screen, the first by mail, the line's endpoint."""
        return len(self.people) + 1 + 1


def floor(calls: int, lines: int, hook: str) -> Floor:
    """Write the rows; `hook` is the receiver's URL."""
    made = tuple(factories.line() for _ in range(lines))
    for each in made:
        row = Endpoint.objects.create(
            name=f"erp {each.code}",
            kind="webhook",
            address=f"{hook}/{each.code}",
            secret=SECRET,
        )
        row.lines.add(each)
    equipment = tuple(factories.equipment(line=made[number % lines]) for number in range(calls))
    people = (
        factories.user(Role.PRODUCTION_MANAGER, email="boss@plant.example"),
        factories.user(Role.SHIFT_MANAGER),
    )
    policy = Policy.objects.create(
        name="fast",
        priority="high",
        acknowledge_within_s=LEVELS_AFTER_S[1],
        resolve_within_s=RESOLVE_WITHIN_S,
    )
    for number, after_s in enumerate(LEVELS_AFTER_S, 1):
        level = PolicyLevel.objects.create(
            policy=policy,
            number=number,
            after_s=after_s,
            reminder_every_s=REMINDER_EVERY_S,
            channels=["live", "email", "webhook"],
        )
        for person in people:
            PolicyRecipient.objects.create(level=level, kind="person", person=person)
    return Floor(equipment, made, people)
