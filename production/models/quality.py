"""Quality: defects, checks, thresholds with hysteresis, and the alerts they open and clear."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from production.choices import (
    AlertSeverity,
    CheckKind,
    CheckResult,
    DefectSeverity,
    Metric,
    WindowKind,
)
from production.models.floor import CODE, Equipment, Line, Product
from production.models.jobs import Job
from production.thresholds import Limit, Thresholds


class Defect(models.Model):
    """What may be wrong with a piece; also the reason of a reject."""

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    name = models.CharField(max_length=60)
    category = models.CharField(max_length=40, blank=True, help_text="Such as visual.")
    severity = models.CharField(
        max_length=10, choices=DefectSeverity.choices, default=DefectSeverity.MINOR
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class QualityCheck(models.Model):
    """Items looked at, and how many of them were good."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="quality_checks")
    equipment = models.ForeignKey(
        Equipment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="quality_checks",
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    job = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="quality_checks"
    )
    kind = models.CharField(max_length=12, choices=CheckKind.choices)
    result = models.CharField(max_length=12, choices=CheckResult.choices)
    checked = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    failed = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(checked__gt=0) & Q(failed__lte=F("checked")),
                name="no more items failed than were checked",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["line", "at"], name="check_line_at")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} check at {self.at:%H:%M:%S}"


class CheckDefect(models.Model):
    """How many of the checked items had this defect."""

    check_row = models.ForeignKey(
        QualityCheck, on_delete=models.CASCADE, related_name="defects"
    )
    defect = models.ForeignKey(Defect, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["check_row", "defect"], name="a check names a defect once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.defect}"


_SHARE = (MinValueValidator(0), MaxValueValidator(1))
# A figure is read every few seconds: what it looks at is kept to what that may cost.
LONGEST_WINDOW = {WindowKind.TIME: 24 * 60, WindowKind.ITEMS: 10_000}
# What an alert says was watched is read from its threshold.
_WATCHED = ("metric", "defect_id", "line_id", "equipment_id", "product_id", "window_kind")


class QualityThreshold(models.Model):
    """Beyond it an alert opens; it clears only within another one (hysteresis).

    Shares are fractions. For first-pass yield *beyond* means below, for the others above.
    """

    name = models.CharField(max_length=60)
    metric = models.CharField(max_length=20, choices=Metric.choices)
    defect = models.ForeignKey(
        Defect, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="quality_thresholds")
    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    window_kind = models.CharField(
        max_length=5, choices=WindowKind.choices, default=WindowKind.TIME
    )
    window_size = models.PositiveIntegerField(
        validators=[MinValueValidator(1)], help_text="Minutes, or items."
    )
    least_items = models.PositiveIntegerField(
        default=20, help_text="With fewer items in the window nothing is said."
    )
    warning = models.FloatField(validators=_SHARE)
    warning_clears = models.FloatField(validators=_SHARE)
    critical = models.FloatField(validators=_SHARE)
    critical_clears = models.FloatField(validators=_SHARE)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["line", "name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(metric__in=Metric.values), name="a threshold is of a known metric"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def limits(self) -> Thresholds:
        """The limits of both levels, as they are judged by."""
        return Thresholds(
            warning=Limit(self.warning, self.warning_clears),
            critical=Limit(self.critical, self.critical_clears),
            bad_is_low=self.metric == Metric.FIRST_PASS_YIELD,
        )

    def clean(self) -> None:
        """Refuse limits that contradict each other, and what watches nothing or something else than before."""
        wrong: dict[str, str] = {}
        shares = (self.warning, self.warning_clears, self.critical, self.critical_clears)
        if None not in shares:  # a field that failed by itself is not there
            wrong |= self.limits.mistakes()
        if self.metric == Metric.DEFECT and self.defect_id is None:
            wrong["defect"] = "Name the defect whose share is watched."
        if self.metric != Metric.DEFECT and self.defect_id is not None:
            wrong["defect"] = "Only a share of one defect names a defect."
        if self.equipment is not None and self.equipment.line_id != self.line_id:
            wrong["equipment"] = "The equipment belongs to another line."
        longest = LONGEST_WINDOW.get(WindowKind(self.window_kind)) if self._knows_kind else None
        if longest and self.window_size and self.window_size > longest:
            wrong["window_size"] = f"At most {longest}."
        if self._watches_another and self.alerts.exists():
            wrong["metric"] = (
                "It has raised alerts: what it watches stays. Make another one instead."
            )
        if wrong:
            raise ValidationError(wrong)

    @property
    def _knows_kind(self) -> bool:
        return self.window_kind in WindowKind.values

    @property
    def _watches_another(self) -> bool:
        stored = type(self).objects.filter(pk=self.pk).values(*_WATCHED).first()
        return stored is not None and any(
            stored[name] != getattr(self, name) for name in _WATCHED
        )


class QualityAlert(models.Model):
    """A figure beyond its threshold: opened once, cleared once."""

    threshold = models.ForeignKey(
        QualityThreshold, on_delete=models.PROTECT, related_name="alerts"
    )
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="quality_alerts")
    severity = models.CharField(max_length=10, choices=AlertSeverity.choices)
    value = models.FloatField(null=True)
    why = models.CharField(max_length=200, blank=True)
    limit = models.FloatField()
    clears_at = models.FloatField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    items = models.PositiveBigIntegerField()
    breakdown = models.JSONField(default=list)
    others = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-opened_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["threshold"],
                condition=Q(cleared_at__isnull=True),
                name="a threshold has one open alert",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.threshold} from {self.opened_at:%H:%M:%S}"
