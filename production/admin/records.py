"""Pages of what happened: conditions, spans, counts, tallies, faults and contexts, which nobody edits."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ms5.admin_base import STATE_COLOURS, VisibleFilter, ago, column, length
from production.admin.base import LimitedRecordAdmin
from production.admin.corrections import links
from production.models import (
    Condition,
    Context,
    ContextChange,
    Count,
    Counter,
    Fault,
    Span,
    Tally,
)

_LINE = (("equipment__line", VisibleFilter), ("equipment", VisibleFilter))
_SEARCH = ("equipment__code", "equipment__name")
QUALITY_COLOURS = {"good": "success", "uncertain": "warning", "bad": "danger"}
SEVERITY_COLOURS = {"critical": "danger", "high": "danger", "medium": "warning", "low": "info"}
DECISION_COLOURS = {
    "counted": "success",
    "rollover": "info",
    "reset": "warning",
    "jump": "danger",
    "resumed": "info",
}


class EquipmentRecordAdmin(LimitedRecordAdmin):
    """A record of an equipment: found by it and by its line."""

    within = "equipment__line"
    list_select_related: ClassVar[tuple[str, ...]] = ("equipment",)
    search_fields: ClassVar[tuple[str, ...]] = _SEARCH


@admin.register(Condition)
class ConditionAdmin(EquipmentRecordAdmin):
    """What every equipment is doing now."""

    list_display = (
        "equipment",
        "badge",
        "lasting",
        "reason",
        "speed",
        "quality_badge",
        "reading",
    )
    list_filter = (*_LINE[:1], "state", "quality")
    ordering = ("equipment__code",)

    @column("state", order="state", colours=STATE_COLOURS)
    def badge(self, row: Condition) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @column("for", order="since")
    def lasting(self, row: Condition) -> str | None:
        if row.since is None:
            return None
        return length((timezone.now() - row.since).total_seconds())

    @column("quality", order="quality", colours=QUALITY_COLOURS)
    def quality_badge(self, row: Condition) -> tuple[str, str]:
        return row.quality, row.quality

    @column("last good reading", order="last_good_at")
    def reading(self, row: Condition) -> str | None:
        return ago(row.last_good_at)


@admin.register(Span)
class SpanAdmin(EquipmentRecordAdmin):
    """Stays in one state."""

    list_display = ("equipment", "badge", "started_at", "ended_at", "lasted", "reason")
    list_filter = (*_LINE, "state")
    search_fields = (*_SEARCH, "reason")
    date_hierarchy = "started_at"

    @column("state", order="state", colours=STATE_COLOURS)
    def badge(self, span: Span) -> tuple[str, str]:
        return span.state, span.get_state_display()

    @column("lasted")
    def lasted(self, span: Span) -> str:
        end = span.ended_at or timezone.now()
        text = length((end - span.started_at).total_seconds())
        return text if span.ended_at else f"{text} so far"


@admin.register(Counter)
class CounterAdmin(EquipmentRecordAdmin):
    """Where each counter stood when it was last read."""

    list_display = ("equipment", "kind", "value", "age")
    list_filter = (*_LINE[:1], "kind")
    ordering = ("equipment__code", "kind")

    @column("read", order="read_at")
    def age(self, counter: Counter) -> str | None:
        return ago(counter.read_at)


@admin.register(Count)
class CountAdmin(EquipmentRecordAdmin):
    """Increments of counters, with what was decided about each."""

    list_display = (
        "at",
        "equipment",
        "kind",
        "quantity",
        "product",
        "badge",
        "job",
        "defect",
        "by",
        "value_before",
        "value",
        "measured",
        "correct",
    )
    list_filter = (*_LINE, "kind", "decision", "measured", ("product", VisibleFilter))
    list_select_related = ("equipment", "product", "job", "defect", "by")
    # The table is long and has no index by time alone; rows are written in its order.
    ordering = ("-pk",)

    @column("decision", order="decision", colours=DECISION_COLOURS)
    def badge(self, count: Count) -> tuple[str, str]:
        return count.decision, count.get_decision_display()

    @column("")
    def correct(self, count: Count) -> str:
        return links("count", pk=count.pk)


@admin.register(Tally)
class TallyAdmin(EquipmentRecordAdmin):
    """Pieces per quarter of an hour."""

    list_display = (
        "started_at",
        "equipment",
        "kind",
        "product",
        "job",
        "ideal_cycle",
        "measured",
        "quantity",
    )
    list_filter = (*_LINE, "kind", "measured", ("product", VisibleFilter))
    list_select_related = (
        "equipment",
        "product",
        "job",
        "ideal_cycle__equipment",
        "ideal_cycle__product",
    )
    date_hierarchy = "started_at"


class OpenFilter(admin.SimpleListFilter):
    """Whether a fault still stands."""

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


@admin.register(Fault)
class FaultAdmin(EquipmentRecordAdmin):
    """Fault messages from their rise to their end."""

    list_display = (
        "raised_at",
        "equipment",
        "text",
        "code",
        "badge",
        "source",
        "first",
        "lasted",
    )
    list_filter = (OpenFilter, *_LINE, "severity", "source", "first_out")
    search_fields = (*_SEARCH, "text", "code", "reason_code")
    date_hierarchy = "raised_at"

    @column("first-out", order="first_out", colours={"first": "danger"})
    def first(self, fault: Fault) -> tuple[str, str] | None:
        return ("first", "first-out") if fault.first_out else None

    @column("severity", order="severity", colours=SEVERITY_COLOURS)
    def badge(self, fault: Fault) -> tuple[str, str]:
        return fault.severity, fault.get_severity_display()

    @column("lasted")
    def lasted(self, fault: Fault) -> str:
        end = fault.cleared_at or timezone.now()
        text = length((end - fault.raised_at).total_seconds())
        return text if fault.cleared_at else f"open for {text}"


@admin.register(ContextChange)
class ContextChangeAdmin(EquipmentRecordAdmin):
    """What people and controllers said about an equipment, and when."""

    list_display = (
        "at",
        "equipment",
        "said_by",
        "operator",
        "product",
        "target_speed",
        "planned_stop",
        "planned_stop_reason",
    )
    list_filter = (*_LINE, "planned_stop")
    list_select_related = ("equipment", "actor", "operator", "product")
    date_hierarchy = "at"

    @column("by")
    def said_by(self, change: ContextChange) -> str:
        return str(change.actor or "controller")


@admin.register(Context)
class ContextAdmin(EquipmentRecordAdmin):
    """The context of each equipment now."""

    list_display = (
        "equipment",
        "operator",
        "product",
        "target_speed",
        "planned_stop",
        "planned_stop_reason",
    )
    list_filter = (*_LINE[:1], "planned_stop")
    list_select_related = ("equipment", "operator", "product")
    ordering = ("equipment__code",)
