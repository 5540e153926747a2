"""The schedule of a call as rows, written with the call; and the clock they are due by."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from andon.choices import EscalationStatus, StepKind, StepState
from andon.models.calls import AndonCall


class Escalation(models.Model):
    """How a call climbs. The policy is frozen in it: editing one touches no running call.

    `gen` grows whenever the schedule begins anew; `level` is how far it has climbed, 0 before the first.
    """

    call = models.OneToOneField(AndonCall, on_delete=models.CASCADE, related_name="escalation")
    policy = models.JSONField(help_text="As it was when the call was raised.")
    gen = models.PositiveIntegerField(default=1)
    level = models.PositiveSmallIntegerField(default=0)
    reminders = models.PositiveIntegerField(default=0, help_text="Sent on this level.")
    status = models.CharField(
        max_length=12, choices=EscalationStatus.choices, default=EscalationStatus.OPEN
    )
    acknowledged_at = models.DateTimeField(null=True, help_text="The newest answer.")
    closed_at = models.DateTimeField(null=True)
    said = models.JSONField(default=dict, help_text="What its newest fact said, for snapshots.")

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=EscalationStatus.values),
                name="an escalation is in a known status",
            ),
            models.CheckConstraint(
                condition=Q(status=EscalationStatus.CLOSED, closed_at__isnull=False)
                | ~Q(status=EscalationStatus.CLOSED) & Q(closed_at__isnull=True),
                name="an escalation that is closed says when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call}, level {self.level}"


class EscalationStep(models.Model):
    """What will happen, or has, at a moment of a call's schedule."""

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="steps")
    gen = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=StepKind.choices)
    level = models.PositiveSmallIntegerField()
    n = models.PositiveIntegerField(default=0, help_text="Which reminder of its level.")
    due_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=StepState.choices, default=StepState.PENDING
    )
    fired_at = models.DateTimeField(null=True)
    late_ms = models.PositiveBigIntegerField(default=0)
    clock_note = models.CharField(
        max_length=200, blank=True, help_text="What the clock did, where it jumped."
    )

    class Meta:
        ordering: ClassVar = ["escalation", "due_at", "level", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["escalation", "gen", "kind", "level", "n"],
                name="a step of an escalation is there once",
            ),
            models.CheckConstraint(
                condition=Q(state=StepState.FIRED, fired_at__isnull=False)
                | ~Q(state=StepState.FIRED) & Q(fired_at__isnull=True),
                name="a step that fired says when, and no other",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=Q(state=StepState.PENDING),
                name="step_due",
            ),
            models.Index(
                fields=["escalation"],
                condition=Q(state=StepState.PENDING),
                name="step_pending_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.level} due {self.due_at:%H:%M:%S}"


class EngineClock(models.Model):
    """The latest time that the engine has seen: no process that begins later believes an earlier one."""

    high_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="there is one clock"),
        ]

    def __str__(self) -> str:
        return f"{self.high_at:%H:%M:%S}"
