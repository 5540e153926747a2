"""Readings of tags: the newest of each, and the samples kept."""

from typing import ClassVar

from django.db import models

from telemetry.choices import Quality
from telemetry.models.tags import Tag


class Reading(models.Model):
    """A value with its quality and both times; `value` for numbers and bits, `text` for the rest."""

    raw = models.FloatField(null=True, help_text="As the controller gave it, before scaling.")
    value = models.FloatField(
        null=True, help_text="Engineering value; empty unless quality allows it."
    )
    text = models.CharField(
        max_length=400, blank=True, help_text="Strings and arrays, as read."
    )
    quality = models.CharField(max_length=10, choices=Quality.choices)
    error = models.CharField(max_length=300, blank=True)
    source_at = models.DateTimeField(help_text="When the controller answered.")
    received_at = models.DateTimeField(help_text="When it was taken over.")

    class Meta:
        abstract = True


class TagLatest(Reading):
    """The newest sample of a tag, a few seconds late at most: its value has not moved since."""

    tag = models.OneToOneField(
        Tag, on_delete=models.CASCADE, primary_key=True, related_name="latest"
    )

    class Meta:
        verbose_name = "latest reading"

    def __str__(self) -> str:
        return f"{self.tag}: {self.value if self.value is not None else self.text}"


class Sample(Reading):
    """A reading that was kept: its value moved beyond the deadband, its quality changed, or it was time."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="samples")

    class Meta:
        ordering: ClassVar = ["-source_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["tag", "source_at"], name="sample_tag_source_at")
        ]

    def __str__(self) -> str:
        return f"{self.tag} at {self.source_at:%H:%M:%S}"
