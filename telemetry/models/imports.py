"""Files of tags and message bits that people brought: what they would change, and what they did."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from production.models import Equipment
from telemetry.choices import FileKind
from telemetry.models.plcs import Plc


class TagImport(models.Model):
    """A file for one PLC. It waits until a person has seen what it changes; then its content goes."""

    plc = models.ForeignKey(Plc, on_delete=models.CASCADE, related_name="imports")
    equipment = models.ForeignKey(
        Equipment,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="What the tags speak of; empty: they are stored only, and play no role.",
    )
    kind = models.CharField(max_length=10, choices=FileKind.choices)
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    content = models.BinaryField(help_text="Empty once it was applied.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by_name = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, help_text="Empty: it was not applied.")
    counts = models.JSONField(
        default=dict, help_text="Rows by what became of them, such as new or refused."
    )

    class Meta:
        ordering: ClassVar = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.file_name} for {self.plc.code}"
