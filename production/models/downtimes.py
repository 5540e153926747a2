"""Why equipment stands: a tree of reasons, and the stops that were long enough to ask."""

from datetime import UTC
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from production.choices import AndonCategory, Category, Loss, Severity, SixLoss
from production.models.corrections import Superseded
from production.models.floor import CODE, Equipment, Product
from production.models.jobs import Job
from production.models.records import Fault

LEVELS = 3


class Reason(models.Model):
    """A reason why equipment stands. The tree has at most three levels; any of them may be given."""

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    name = models.CharField(max_length=100)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    category = models.CharField(
        max_length=12, choices=Category.choices, default=Category.UNPLANNED
    )
    loss = models.CharField(
        max_length=10,
        choices=Loss.choices,
        default=Loss.STOP,
        help_text="Which bucket of the time account such a stop falls into.",
    )
    six_loss = models.CharField(
        max_length=20,
        choices=SixLoss.choices,
        default=SixLoss.FAILURE,
        help_text="Which of the six big losses it is, where it is a loss.",
    )
    is_failure = models.BooleanField(
        default=True, help_text="Whether it counts as a failure for MTBF and MTTR."
    )
    andon_category = models.CharField(max_length=12, choices=AndonCategory.choices, blank=True)
    andon_priority = models.CharField(max_length=10, choices=Severity.choices, blank=True)
    escalate_after_min = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minutes it may last before somebody is called."
    )
    position = models.PositiveIntegerField(default=0, help_text="Order among its siblings.")
    is_active = models.BooleanField(default=True, help_text="Whether it may be chosen.")

    class Meta:
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(loss__in=Loss.values), name="a reason falls into a known bucket"
            ),
            models.CheckConstraint(
                condition=Q(category__in=Category.values),
                name="a reason is of a known category",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a fourth level and a circle."""
        above, seen = self.parent, 1
        while above is not None:
            seen += 1
            if above == self:
                raise ValidationError({"parent": "A reason cannot stand below itself."})
            if seen > LEVELS:
                raise ValidationError({"parent": f"The tree has at most {LEVELS} levels."})
            above = above.parent


class Downtime(Superseded):
    """A stop longer than the equipment's threshold, from its start; successive non-running states are one.

    Nobody-measured time within it is `no_data` in the accounts. The time of two never overlaps.
    """

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="downtimes")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="Empty while it lasts.")
    reason = models.ForeignKey(
        Reason,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="downtimes",
        help_text="Empty: nobody has said why.",
    )
    suggested = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    category = models.CharField(
        max_length=12, choices=Category.choices, default=Category.UNPLANNED
    )
    fault = models.ForeignKey(
        Fault,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Its first-out.",
    )
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="downtimes")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField(
        null=True, help_text="When somebody was there; for the mean time to respond."
    )
    repaired_at = models.DateTimeField(
        null=True, help_text="When it was mended; for the mean time to repair."
    )
    note = models.CharField(max_length=300, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="merged"
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["-started_at", "-pk"]
        permissions: ClassVar = [("confirm_downtime", "Can confirm, split and merge downtimes")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment"],
                condition=Q(ended_at__isnull=True, superseded_by__isnull=True),
                name="an equipment has one open downtime",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | Q(ended_at__gt=F("started_at"))
                | Q(ended_at=F("started_at"), merged_into__isnull=False),
                name="a downtime takes time unless it was merged",
            ),
            # That live downtimes do not overlap is an exclusion constraint or a trigger (migration).
        ]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "started_at"], name="downtime_equipment_started"),
            models.Index(fields=["started_at"], name="downtime_started"),
        ]

    def __str__(self) -> str:
        return f"{self.equipment}: {self.times()}"

    def times(self) -> str:
        """Return when it stood, to the minute in UTC; the day of its end only where it is another one."""
        began = self.started_at.astimezone(UTC)
        if self.ended_at is None:
            return f"{began:%d.%m. %H:%M} UTC, lasts"
        ended = self.ended_at.astimezone(UTC)
        day = "" if ended.date() == began.date() else f"{ended:%d.%m.} "
        return f"{began:%d.%m. %H:%M} to {day}{ended:%H:%M} UTC"


class LossTally(models.Model):
    """Microseconds of a settled quarter of an hour in a bucket, put down to a downtime or else to a product.

    Those of a bucket are together what `TimeTally` has in it. `begun` are the downtimes that began to cost what
    their reason says in this quarter.
    """

    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, related_name="loss_tallies", db_index=False
    )
    started_at = models.DateTimeField()
    bucket = models.CharField(max_length=15)
    downtime = models.ForeignKey(
        Downtime, on_delete=models.CASCADE, null=True, related_name="+"
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    length_us = models.BigIntegerField()
    begun = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        verbose_name_plural = "loss tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "equipment",
                "started_at",
                "bucket",
                Coalesce("downtime", 0),
                Coalesce("product", 0),
                name="a quarter's loss is tallied once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.started_at:%H:%M} {self.bucket}"
