"""Pages of state rules, and of what is wrong with how controllers are configured."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ms5.accounts.audited import actor
from ms5.admin_base import RecordAdmin, VisibleFilter, ago, column
from production.admin.base import LimitedAdmin
from production.refusals import ActionRefused
from telemetry import quarantine
from telemetry.choices import WarningKind
from telemetry.models import ConfigurationWarning, Plc, StateRule
from telemetry.visibility import plcs_of, serves_only_lines_of


@admin.register(StateRule)
class StateRuleAdmin(LimitedAdmin):
    """By which rules an equipment without a state word runs or stands; the first that applies counts."""

    within = "equipment__line"
    line_code_path = "equipment.line.code"
    list_display = ("equipment", "position", "when", "compared", "state")
    list_display_links = ("position",)
    list_filter = (("equipment__line", VisibleFilter), ("equipment", VisibleFilter), "when")
    list_select_related = ("equipment__line",)
    search_fields = ("equipment__code", "equipment__name")
    autocomplete_fields = ("equipment",)
    fieldsets = (
        (None, {"fields": ("equipment", "position", "when", "state")}),
        (
            "Compared with",
            {
                "fields": ("number", "above", "cycles", "cycle_s"),
                "description": "Without any rule an equipment has the usual ones: running bit, faults,"
                " starved, blocked, speed. A state word tells the state without rules.",
            },
        ),
    )

    @column("compared with")
    def compared(self, rule: StateRule) -> str | None:
        if rule.number is not None:
            return f"{rule.number}"
        if rule.above is not None:
            return f"above {rule.above:g} a minute"
        if rule.cycles is not None:
            each = f" of {rule.cycle_s:g} s" if rule.cycle_s is not None else ""
            return f"{rule.cycles:g} cycles{each}"
        return None


@admin.register(ConfigurationWarning)
class ConfigurationWarningAdmin(RecordAdmin):
    """What is wrong with the configuration of controllers, until somebody has seen to it."""

    list_display = ("plc", "badge", "text", "age", "settled")
    list_filter = (
        ("settled_at", admin.EmptyFieldListFilter),
        "kind",
        ("plc", VisibleFilter),
    )
    list_select_related = ("plc",)
    search_fields = ("plc__code", "text")
    ordering = ("settled_at", "-since")
    actions = ("settle",)  # type: ignore[assignment]  # records have none; this one ends a warning

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        mine = plcs_of(Plc.objects.all(), actor(request)).values("pk")
        return super().get_queryset(request).filter(plc__in=mine)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm("telemetry.change_plc")

    @column(
        "kind", order="kind", colours={"program_changed": "danger", "unknown_state": "warning"}
    )
    def badge(self, row: ConfigurationWarning) -> tuple[str, str]:
        return row.kind, row.get_kind_display()

    @column("since", order="since")
    def age(self, row: ConfigurationWarning) -> str | None:
        return ago(row.since)

    @column("settled", order="settled_at")
    def settled(self, row: ConfigurationWarning) -> str | None:
        if row.settled_at is None:
            return None
        return f"{row.settled_at:%d.%m. %H:%M} by {row.settled_by_name or 'itself'}"

    @admin.action(
        description="Accept the new program, or settle the warning", permissions=["settle"]
    )
    def settle(self, request: HttpRequest, chosen: "QuerySet[ConfigurationWarning]") -> None:
        who, done = actor(request), 0
        for row in chosen.filter(settled_at=None).select_related("plc"):
            try:
                if not serves_only_lines_of(row.plc, who):
                    messages.error(request, f"{row.plc.code} serves lines that are not yours.")
                elif row.kind == WarningKind.PROGRAM_CHANGED:
                    quarantine.accept(row.plc, actor=who, at=timezone.now())
                    done += 1
                else:
                    quarantine.settle(row, actor=who, at=timezone.now())
                    done += 1
            except ActionRefused as refused:
                messages.error(request, refused.sentence)
        if done:
            messages.success(request, f"{done} settled.")
