"""A line turns from one product to another: the changeover, its steps, and how long it should take."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from production.choices import ChangeoverStatus, StartedWith, StepKind
from production.models.floor import Line, Product
from production.models.jobs import Job


class ChangeoverTarget(models.Model):
    """How long a changeover between two products should take; the most particular one holds."""

    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="changeover_targets",
        help_text="Empty: any line.",
    )
    from_product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: any product.",
    )
    to_product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: any product.",
    )
    minutes = models.DecimalField(
        max_digits=7, decimal_places=2, validators=[MinValueValidator(0)]
    )

    class Meta:
        ordering: ClassVar = ["line", "from_product", "to_product"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Coalesce("line", 0),
                Coalesce("from_product", 0),
                Coalesce("to_product", 0),
                name="a pair of products has one target",
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="a target takes time"),
        ]

    def __str__(self) -> str:
        return f"{self.from_product or 'any'} to {self.to_product or 'any'}: {self.minutes} min"


class StepPlan(models.Model):
    """A step that a changeover of this target consists of."""

    target = models.ForeignKey(
        ChangeoverTarget, on_delete=models.CASCADE, related_name="step_plans"
    )
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=StepKind.choices, default=StepKind.INTERNAL)
    minutes = models.DecimalField(
        max_digits=7, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    class Meta:
        ordering: ClassVar = ["target", "position", "pk"]

    def __str__(self) -> str:
        return self.name


class Changeover(models.Model):
    """A changeover of a line. It ends at the Nth good piece in a row of the new product, at rate."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="changeovers")
    job = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="changeovers"
    )
    from_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    to_product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=10, choices=ChangeoverStatus.choices, default=ChangeoverStatus.RUNNING
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    target_s = models.FloatField(null=True, help_text="Seconds; empty: no target is set.")
    over_target_at = models.DateTimeField(null=True)
    started_with = models.CharField(max_length=10, choices=StartedWith.choices)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Empty: the good pieces ended it.",
    )
    good_needed = models.PositiveIntegerField(help_text="Good pieces in a row that end it.")
    good_in_a_row = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["-started_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(status=ChangeoverStatus.RUNNING),
                name="a line changes over once at a time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, status=ChangeoverStatus.RUNNING)
                | Q(ended_at__gte=F("started_at")) & ~Q(status=ChangeoverStatus.RUNNING),
                name="a changeover that is over has an end, and no other",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["line", "started_at"], name="changeover_line_started")
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.from_product or '-'} to {self.to_product}"


class ChangeoverStep(models.Model):
    """A step as it was taken."""

    changeover = models.ForeignKey(Changeover, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=StepKind.choices)
    target_s = models.FloatField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["changeover", "position", "pk"]

    def __str__(self) -> str:
        return self.name
