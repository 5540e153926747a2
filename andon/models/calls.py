"""Calls for help, and what has happened to each."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from andon.choices import CallStatus, CallVerb, Category, Priority
from production.models import Downtime, Equipment, Job, Line, QualityAlert
from production.visibility import limited

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from ms5.accounts.models import User

OVER = (CallStatus.RESOLVED, CallStatus.CANCELLED)


def _by(related_name: str = "+") -> "models.ForeignKey[User | None, User | None]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name=related_name,
    )


class AndonCallQuerySet(models.QuerySet["AndonCall"]):
    """Reads that chain."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Keep the calls of the lines this user may see."""
        return limited(self, user, "line")  # type: ignore[return-value] # the same QuerySet, filtered

    def open(self) -> Self:
        """Keep those that are not over."""
        return self.filter(ended_at__isnull=True)

    def whole(self) -> Self:
        """Join what the public form tells."""
        return self.select_related(
            "line__area__site",
            "equipment",
            "raised_by",
            "rule",
            "acknowledged_by",
            "arrived_by",
            "resolved_by",
            "cancelled_by",
            "shelved_by",
            "escalation",
        )


class AndonCall(models.Model):
    """A call for help (ISA-18.2 alarm, latched). A line, an equipment and a category have one open call.

    Its times are those of the engine's clock (andon.clock).
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="calls")
    equipment = models.ForeignKey(
        Equipment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="calls",
        help_text="Empty: the line as a whole.",
    )
    category = models.CharField(max_length=12, choices=Category.choices)
    priority = models.CharField(max_length=10, choices=Priority.choices)
    description = models.CharField(max_length=500)
    status = models.CharField(
        max_length=12, choices=CallStatus.choices, default=CallStatus.OPEN
    )
    raised_by = _by("calls")
    rule = models.ForeignKey(
        "andon.Rule",
        on_delete=models.SET_NULL,
        null=True,
        related_name="calls",
        help_text="The rule that raised it; empty: a person.",
    )
    raised_at = models.DateTimeField()
    occurrences = models.PositiveIntegerField(default=1)
    last_raised_at = models.DateTimeField()
    acknowledged_by = _by()
    acknowledged_at = models.DateTimeField(null=True)
    arrived_by = _by()
    arrived_at = models.DateTimeField(null=True)
    resolved_by = _by()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=500, blank=True, help_text="What was done.")
    cancelled_by = _by()
    cancelled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was resolved or cancelled.")
    normal_at = models.DateTimeField(
        null=True,
        help_text="Since when what raised it is over by itself; it waits for somebody to see it.",
    )
    acknowledge_due_at = models.DateTimeField(null=True)
    resolve_due_at = models.DateTimeField(null=True)
    shelved_until = models.DateTimeField(
        null=True, help_text="Until then its escalation rests; empty: it is not shelved."
    )
    shelved_by = _by()
    shelf_reason = models.CharField(max_length=300, blank=True)
    shift = models.CharField(
        max_length=60, blank=True, help_text="The shift in which it was raised."
    )
    shift_day = models.DateField(null=True, help_text="The day on which that shift began.")
    downtime = models.ForeignKey(
        Downtime, on_delete=models.SET_NULL, null=True, related_name="calls"
    )
    quality_alert = models.ForeignKey(
        QualityAlert, on_delete=models.SET_NULL, null=True, related_name="calls"
    )
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="calls")
    version = models.PositiveIntegerField(
        default=1, help_text="Grows with each change that a person may have to know of."
    )

    objects = AndonCallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-raised_at", "-pk"]
        verbose_name = "call"
        permissions: ClassVar = [
            ("answer_any_andoncall", "Can answer calls of every category, not only quality"),
            ("shelve_andoncall", "Can shelve calls for a time"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line", "equipment", "category"],
                condition=Q(ended_at__isnull=True, equipment__isnull=False),
                name="an equipment has one open call of a category",
            ),
            models.UniqueConstraint(
                fields=["line", "category"],
                condition=Q(ended_at__isnull=True, equipment__isnull=True),
                name="a line has one open call of a category for itself",
            ),
            models.CheckConstraint(
                condition=Q(status__in=CallStatus.values), name="a call is in a known status"
            ),
            models.CheckConstraint(
                condition=Q(priority__in=Priority.values), name="a call has a known priority"
            ),
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="a call is of a known category"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) & ~Q(status__in=OVER)
                | Q(ended_at__isnull=False) & Q(status__in=OVER),
                name="a call that is over has an end, and no other",
            ),
            models.CheckConstraint(
                condition=Q(raised_by__isnull=True) | Q(rule__isnull=True),
                name="a call is raised by a person or a rule",
            ),
            models.CheckConstraint(
                condition=Q(occurrences__gte=1) & Q(last_raised_at__gte=F("raised_at")),
                name="a call is raised once at least, and last not before first",
            ),
            models.CheckConstraint(
                condition=~Q(status=CallStatus.RESOLVED) | Q(resolved_at__isnull=False),
                name="a resolved call says when",
            ),
            models.CheckConstraint(
                condition=Q(shelved_until__isnull=True) | ~Q(priority=Priority.CRITICAL),
                name="a critical call is never shelved",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["line", "raised_at"], name="call_line_raised"),
            models.Index(
                fields=["line"], condition=Q(ended_at__isnull=True), name="call_open_by_line"
            ),
            models.Index(fields=["ended_at"], name="call_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.get_category_display()}: {self.description}"[:200]


class CallEvent(models.Model):
    """A line of a call's history: what happened, who did it, and what they said."""

    call = models.ForeignKey(AndonCall, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    by = _by()
    verb = models.CharField(max_length=12, choices=CallVerb.choices)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["call", "at", "pk"]
        verbose_name = "event of a call"
        verbose_name_plural = "events of calls"

    def __str__(self) -> str:
        return f"{self.get_verb_display()} {self.at:%H:%M:%S}"
