"""What a line is asked to make: jobs, and the stretches in which they ran."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from production.choices import JobStatus
from production.models.floor import Line, Product


class Job(models.Model):
    """An order for a line (ISA-95 operations request). Its status is not the state of a machine.

    `good` and `reject` are what the line's constraint counted while it ran; corrections move them too.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="jobs")
    number = models.CharField(
        max_length=60, unique=True, help_text="What people call it, such as an order's number."
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="jobs")
    target = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Good pieces wanted; empty: no end is set."
    )
    completes_at_target = models.BooleanField(
        default=False, help_text="Whether reaching the target completes it."
    )
    status = models.CharField(
        max_length=10, choices=JobStatus.choices, default=JobStatus.PLANNED
    )
    position = models.PositiveIntegerField(
        null=True, help_text="Place in the line's queue, 1 is next; empty once begun."
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="jobs",
    )
    good = models.PositiveBigIntegerField(default=0)
    reject = models.PositiveBigIntegerField(default=0)
    told_good = models.PositiveBigIntegerField(
        default=0,
        help_text="What the newest fact about it said; `job_progress` tells newer ones.",
    )
    told_reject = models.PositiveBigIntegerField(default=0)
    planned_start_at = models.DateTimeField(null=True, blank=True)
    planned_end_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True, help_text="When it first ran.")
    paused_at = models.DateTimeField(null=True, help_text="Since when it is paused.")
    ended_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who made the newest change; empty: the system.",
    )
    version = models.PositiveIntegerField(default=1, help_text="Grows with each change.")

    class Meta:
        ordering: ClassVar = ["line", F("position").asc(nulls_last=True), "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(status=JobStatus.RUNNING),
                name="a line runs one job at a time",
            ),
            models.UniqueConstraint(
                fields=["operator"],
                condition=Q(status=JobStatus.RUNNING, operator__isnull=False),
                name="an operator runs one job at a time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="a job is in a known status"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                & ~Q(status__in=[JobStatus.COMPLETED, JobStatus.CANCELLED])
                | Q(ended_at__isnull=False)
                & Q(status__in=[JobStatus.COMPLETED, JobStatus.CANCELLED]),
                name="a job that is over has an end, and no other",
            ),
            models.CheckConstraint(
                condition=Q(target__isnull=True) | Q(target__gt=0),
                name="a job's target is above zero",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["line", "status"], name="job_line_status")]

    def __str__(self) -> str:
        return self.number


class JobRun(models.Model):
    """A stretch in which a job ran, half open; between them it was paused."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["job", "started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["job"],
                condition=Q(ended_at__isnull=True),
                name="a job runs once at a time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="a job's run does not end before it began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job} from {self.started_at:%H:%M:%S}"
