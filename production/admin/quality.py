"""Pages of defects and thresholds, which people edit, and of checks and alerts, which nobody does."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ms5.admin_base import RecordInline, VisibleFilter, column, length
from production.admin.base import LimitedAdmin, LimitedRecordAdmin, PlantAdmin
from production.choices import Metric
from production.models import (
    CheckDefect,
    Defect,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)

DEFECT_COLOURS = {"critical": "danger", "major": "warning", "minor": "info"}
RESULT_COLOURS = {"pass": "success", "conditional": "warning", "fail": "danger"}
ALERT_COLOURS = {"critical": "danger", "warning": "warning"}
_LIMITS_APART = (
    "Fractions: 0.05 is 5 %. Beyond the limit the alert opens, and it clears only where it"
    " says so, which keeps it from opening and clearing again and again."
)


def percent(share: float | None) -> str | None:
    """Return a share as a person says it, such as `5.2 %`."""
    return None if share is None else f"{share * 100:.4g}\N{NO-BREAK SPACE}%"


@admin.register(Defect)
class DefectAdmin(PlantAdmin):
    """What may be wrong with a piece; also the reason of a reject."""

    list_display = ("code", "name", "category", "badge", "is_active")
    list_filter = ("is_active", "severity", "category")
    search_fields = ("code", "name", "category")

    @column("severity", order="severity", colours=DEFECT_COLOURS)
    def badge(self, defect: Defect) -> tuple[str, str]:
        return defect.severity, defect.get_severity_display()


@admin.register(QualityThreshold)
class QualityThresholdAdmin(LimitedAdmin):
    """When an alert opens, and when it clears."""

    within = "line"
    line_code_path = "line.code"
    list_display = (
        "name",
        "line",
        "watched",
        "where",
        "window",
        "warns",
        "is_critical",
        "is_active",
    )
    list_filter = (("line", VisibleFilter), "metric", "is_active")
    list_select_related = ("line", "equipment", "product", "defect")
    search_fields = ("name", "line__code", "line__name")
    autocomplete_fields = ("line", "equipment", "product", "defect")
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        (
            "What it watches",
            {
                "fields": ("metric", "defect", "line", "equipment", "product"),
                "description": "Pieces are those of the equipment, else of the line's constraint."
                " Once it has raised an alert, this stays.",
            },
        ),
        ("Over what", {"fields": ("window_kind", "window_size", "least_items")}),
        (
            "Limits",
            {
                "fields": ("warning", "warning_clears", "critical", "critical_clears"),
                "description": _LIMITS_APART,
            },
        ),
    )

    @column("watches", order="metric")
    def watched(self, threshold: QualityThreshold) -> str:
        if threshold.metric == Metric.DEFECT and threshold.defect is not None:
            return f"share of {threshold.defect}"
        return threshold.get_metric_display()

    @column("of")
    def where(self, threshold: QualityThreshold) -> str:
        named = [threshold.equipment or "the line", threshold.product]
        return ", ".join(str(part) for part in named if part is not None)

    @column("window")
    def window(self, threshold: QualityThreshold) -> str:
        return f"{threshold.window_size} {threshold.get_window_kind_display()}"

    @column("warning", order="warning")
    def warns(self, threshold: QualityThreshold) -> str:
        return f"{percent(threshold.warning)} / {percent(threshold.warning_clears)}"

    @column("critical", order="critical")
    def is_critical(self, threshold: QualityThreshold) -> str:
        return f"{percent(threshold.critical)} / {percent(threshold.critical_clears)}"


class CheckDefectInline(RecordInline):
    """How many of the checked items had which defect."""

    model = CheckDefect
    fields = ("defect", "quantity")


@admin.register(QualityCheck)
class QualityCheckAdmin(LimitedRecordAdmin):
    """Items that were looked at, and how many of them were good."""

    within = "line"
    list_display = (
        "at",
        "line",
        "equipment",
        "kind",
        "badge",
        "checked",
        "failed",
        "product",
        "job",
        "by",
    )
    list_filter = (
        ("line", VisibleFilter),
        ("equipment", VisibleFilter),
        "kind",
        "result",
        ("product", VisibleFilter),
    )
    list_select_related = ("line", "equipment", "product", "job", "by")
    search_fields = ("line__code", "equipment__code", "job__number", "note")
    date_hierarchy = "at"
    inlines = (CheckDefectInline,)

    @column("result", order="result", colours=RESULT_COLOURS)
    def badge(self, check: QualityCheck) -> tuple[str, str]:
        return check.result, check.get_result_display()


class StandingFilter(admin.SimpleListFilter):
    """Whether an alert still stands."""

    title = "standing"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "Cleared")]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[Any]"
    ) -> "QuerySet[Any] | None":
        match self.value():
            case "yes":
                return queryset.filter(cleared_at__isnull=True)
            case "no":
                return queryset.filter(cleared_at__isnull=False)
            case _:
                return None


@admin.register(QualityAlert)
class QualityAlertAdmin(LimitedRecordAdmin):
    """Figures that went beyond their threshold, from opening to clearing."""

    within = "line"
    list_display = (
        "opened_at",
        "line",
        "threshold",
        "badge",
        "figure",
        "opens_beyond",
        "items",
        "product",
        "lasted",
    )
    list_filter = (
        StandingFilter,
        ("line", VisibleFilter),
        "severity",
        "threshold__metric",
        ("product", VisibleFilter),
    )
    list_select_related = ("line", "threshold", "product")
    search_fields = ("line__code", "threshold__name", "job__number")
    date_hierarchy = "opened_at"

    @column("severity", order="severity", colours=ALERT_COLOURS)
    def badge(self, alert: QualityAlert) -> tuple[str, str]:
        return alert.severity, alert.get_severity_display()

    @column("figure", order="value")
    def figure(self, alert: QualityAlert) -> str | None:
        """Return the figure that brought it to its severity, or the one at which it was cleared."""
        told = percent(alert.value)
        if alert.cleared_at is None:
            return told or alert.why
        return f"cleared at {told}" if told else f"cleared: {alert.why}"

    @column("opened beyond", order="limit")
    def opens_beyond(self, alert: QualityAlert) -> str | None:
        return percent(alert.limit)

    @column("lasted")
    def lasted(self, alert: QualityAlert) -> str:
        end = alert.cleared_at or timezone.now()
        text = length((end - alert.opened_at).total_seconds())
        return text if alert.cleared_at else f"open for {text}"
