"""Readings of tags: the newest of each, and the samples kept."""

from typing import ClassVar

from django.db import models

from telemetry.choices import QUALITIES
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
    quality = models.CharField(max_length=10, choices=QUALITIES)
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

    # No index of its own: that on (tag, source_at) does, and samples are many.
    tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, related_name="samples", db_index=False
    )

    class Meta:
        ordering: ClassVar = ["-source_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["tag", "source_at"], name="sample_tag_source_at")
        ]

    def __str__(self) -> str:
        return f"{self.tag} at {self.source_at:%H:%M:%S}"


class SampleMinute(models.Model):
    """What a tag read in one minute, by the source's clock: of numbers and bits only.

    A value holds until the next sample, so the mean is weighted by time. A minute of bad readings alone
    has no numbers, and says so by its quality.
    """

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="minutes")
    minute = models.DateTimeField(help_text="When it began.")
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)
    mean = models.FloatField(null=True)
    last = models.FloatField(null=True)
    count = models.PositiveIntegerField(help_text="Samples in it.")
    quality = models.CharField(max_length=10, choices=QUALITIES, help_text="The worst.")

    class Meta:
        ordering: ClassVar = ["tag", "minute"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tag", "minute"], name="a minute of a tag is summed up once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} at {self.minute:%d.%m. %H:%M}"


class RollUp(models.Model):
    """How far the samples have been summed up: one row."""

    after = models.BigIntegerField(default=0, help_text="Samples up to this one are done with.")

    class Meta:
        verbose_name = "roll-up"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pk=1), name="there is one roll-up"),
        ]

    def __str__(self) -> str:
        return f"up to sample {self.after}"
