"""What was put right afterwards: old rows are superseded, never overwritten."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from production.choices import CorrectionKind, CorrectionSubject
from production.models.floor import Equipment
from production.querysets import LiveManager


class Correction(models.Model):
    """Who put which record right, why, and what became of it. Undoing one is a correction of its own."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, related_name="corrections"
    )
    subject = models.CharField(max_length=15, choices=CorrectionSubject.choices)
    subject_id = models.PositiveBigIntegerField()
    what = models.CharField(max_length=10, choices=CorrectionKind.choices)
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="undone_by"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by_name = models.CharField(max_length=100)
    reason = models.CharField(max_length=300)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    corrected_at = models.DateTimeField()
    affected_from = models.DateTimeField()
    affected_to = models.DateTimeField()
    oee_before = models.FloatField(null=True)
    oee_after = models.FloatField(null=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "affected_to"], name="correction_equipment_to")
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} of {self.subject} {self.subject_id}"


class Superseded(models.Model):
    """A record that corrections may replace: `objects` are those that hold, `every` the past ones too."""

    superseded_by = models.ForeignKey(
        Correction, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    made_by = models.ForeignKey(
        Correction,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="The correction that made this row; empty: it was observed.",
    )

    objects: ClassVar = LiveManager()
    every: ClassVar = models.Manager()

    class Meta:
        abstract = True
