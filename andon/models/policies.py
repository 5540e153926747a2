"""Who is told of a call, when and how: the policy is data, and is frozen into each call."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from andon.choices import Category, Channel, Priority, RecipientKind
from andon.models.roster import Duty
from ms5.accounts.roles import Role
from production.models import Line

WEEK_S = 7 * 86_400
_SECONDS = (MinValueValidator(1), MaxValueValidator(WEEK_S))


def live_only() -> list[str]:
    """Return the channel that everybody has."""
    return [Channel.LIVE.value]


def known_channels(value: object) -> None:
    """Refuse what is not a list of channels."""
    if not isinstance(value, list) or not value or set(value) - set(Channel.values):
        raise ValidationError(f"Name at least one of {', '.join(Channel.values)}.")


class Policy(models.Model):
    """When a call must be answered and resolved, and the levels it climbs; the most particular one holds.

    Line and category beat line, line beats category, category beats neither.
    """

    name = models.CharField(max_length=60, unique=True)
    priority = models.CharField(max_length=10, choices=Priority.choices)
    category = models.CharField(
        max_length=12, choices=Category.choices, blank=True, help_text="Empty: any."
    )
    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="policies",
        help_text="Empty: any line.",
    )
    acknowledge_within_s = models.PositiveIntegerField(
        validators=_SECONDS, help_text="Seconds in which somebody must say that they come."
    )
    resolve_within_s = models.PositiveIntegerField(
        validators=_SECONDS,
        help_text="Seconds from that answer in which it must be resolved.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["priority", "line", "category", "pk"]
        verbose_name = "escalation policy"
        verbose_name_plural = "escalation policies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "priority",
                "category",
                Coalesce("line", 0),
                condition=Q(is_active=True),
                name="one policy holds for a priority, line and category",
            ),
            models.CheckConstraint(
                condition=Q(acknowledge_within_s__gt=0) & Q(resolve_within_s__gt=0),
                name="a policy's times are above zero",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyLevel(models.Model):
    """A step of the ladder. The last level reminds until somebody answers; it cannot be told not to."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="levels")
    number = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    after_s = models.PositiveIntegerField(
        validators=[MaxValueValidator(WEEK_S)],
        help_text="Seconds after the call was raised, if nobody has answered.",
    )
    reminder_every_s = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(WEEK_S)],
        help_text="Seconds between reminders; empty: as long as the policy gives to answer.",
    )
    channels = models.JSONField(default=live_only, validators=[known_channels])

    class Meta:
        ordering: ClassVar = ["policy", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["policy", "number"], name="a policy has one level of a number"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="levels begin at one"),
            models.CheckConstraint(
                condition=Q(reminder_every_s__isnull=True) | Q(reminder_every_s__gt=0),
                name="reminders have time between them",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}, level {self.number}"


class PolicyRecipient(models.Model):
    """Whom a level tells, as far as they may see the line."""

    level = models.ForeignKey(PolicyLevel, on_delete=models.CASCADE, related_name="recipients")
    kind = models.CharField(
        max_length=8, choices=RecipientKind.choices, default=RecipientKind.ROLE
    )
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    duty = models.ForeignKey(
        Duty, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["level", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind="role", person__isnull=True, duty__isnull=True) & ~Q(role="")
                | Q(kind="person", role="", person__isnull=False, duty__isnull=True)
                | Q(kind="duty", role="", person__isnull=True, duty__isnull=False),
                name="a recipient is a role, a person or a duty",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == RecipientKind.ROLE:
            return self.get_role_display()
        return str(self.person or self.duty)

    def clean(self) -> None:
        """Refuse a kind whose field is empty, and fields of another kind."""
        given = {"role": bool(self.role), "person": self.person_id, "duty": self.duty_id}
        if not given.get(self.kind):
            raise ValidationError({str(self.kind): "Say whom."})
        others = [name for name, value in given.items() if value and name != self.kind]
        if others:
            raise ValidationError(dict.fromkeys(others, "Leave this empty."))
