"""Heartbeats, runs and leases."""

from datetime import timedelta
from typing import ClassVar

from django.db import models


class Heartbeat(models.Model):
    """When a processor last did its work, and what it said if it could not."""

    name = models.CharField(max_length=60, unique=True)
    period_s = models.FloatField(help_text="Seconds between two runs.")
    instance = models.CharField(max_length=120, help_text="host:pid of the last run.")
    home = models.CharField(
        max_length=120,
        blank=True,
        help_text="The host and process space in which the pid counts.",
    )
    ok_at = models.DateTimeField(null=True, help_text="When it last succeeded.")
    took_ms = models.FloatField(default=0, help_text="Milliseconds of the last run.")
    detail = models.JSONField(default=dict, help_text="Figures of the last run.")
    error = models.TextField(blank=True)
    error_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def late_after(self) -> timedelta:
        """No success within three periods counts as late."""
        return timedelta(seconds=3 * self.period_s)


class Run(models.Model):
    """A process that took up a work: one row for each start, kept for a week."""

    name = models.CharField(max_length=60, help_text="A processor's name, or `web`.")
    instance = models.CharField(max_length=120, help_text="host:pid of the process.")
    home = models.CharField(
        max_length=120,
        blank=True,
        help_text="The host and process space in which the pid counts.",
    )
    began_at = models.DateTimeField(help_text="When it did its work for the first time.")
    told_at = models.DateTimeField(
        null=True, help_text="When it last told its figures; web processes do."
    )
    figures = models.JSONField(default=dict, help_text="What it last told.")

    class Meta:
        ordering: ClassVar = ["-began_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["name", "began_at"], name="run_name_began_at")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.instance}"


class Lease(models.Model):
    """Who may do what only one may do, until when, by the database's clock."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.CharField(max_length=120)
    until = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
