"""Pages of changeovers, which people complete or call off, and of the targets they are measured by."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ms5.accounts.audited import AuditedInline, actor
from ms5.admin_base import RecordInline, VisibleFilter, column, length
from production.actions import changeovers
from production.admin.base import LimitedAdmin, LimitedRecordAdmin, OfAnyLine
from production.models import (
    Changeover,
    ChangeoverStep,
    ChangeoverTarget,
    StepPlan,
)
from production.refusals import ActionRefused

STATUS_COLOURS = {"running": "info", "completed": "success", "cancelled": "warning"}


class StepPlanInline(AuditedInline):
    """The steps of a target, in order."""

    model = StepPlan
    line_code_path = "target.line.code"
    fields = ("position", "name", "kind", "minutes")
    max_num = 20


@admin.register(ChangeoverTarget)
class ChangeoverTargetAdmin(OfAnyLine, LimitedAdmin):
    """How long a changeover between two products should take; the most particular one holds."""

    within = "line"
    line_code_path = "line.code"
    list_display = ("__str__", "any_line", "before", "after", "minutes", "steps")
    list_filter = (("line", VisibleFilter), ("to_product", VisibleFilter))
    list_select_related = ("line", "from_product", "to_product")
    search_fields = (
        "line__code",
        "line__name",
        "from_product__code",
        "from_product__name",
        "to_product__code",
        "to_product__name",
    )
    autocomplete_fields = ("line", "from_product", "to_product")
    inlines = (StepPlanInline,)

    def visible(self, rows: "QuerySet[Any]", request: HttpRequest) -> "QuerySet[Any]":
        return super().visible(rows, request).prefetch_related("step_plans")

    @column("line", order="line")
    def any_line(self, target: ChangeoverTarget) -> str:
        return str(target.line or "any")

    @column("from", order="from_product")
    def before(self, target: ChangeoverTarget) -> str:
        return str(target.from_product or "any")

    @column("to", order="to_product")
    def after(self, target: ChangeoverTarget) -> str:
        return str(target.to_product or "any")

    @column("steps")
    def steps(self, target: ChangeoverTarget) -> int:
        return len(target.step_plans.all())


class ChangeoverStepInline(RecordInline):
    """The steps of a changeover as they were taken."""

    model = ChangeoverStep
    fields = ("position", "name", "kind", "target_s", "started_at", "ended_at")


@admin.register(Changeover)
class ChangeoverAdmin(LimitedRecordAdmin):
    """Changeovers. Those that run can be completed and called off."""

    within = "line"
    list_display = (
        "started_at",
        "line",
        "before",
        "to_product",
        "badge",
        "lasted",
        "target",
        "over",
        "started_with",
        "row_of_good",
    )
    list_filter = (("line", VisibleFilter), "status", "started_with")
    list_select_related = ("line", "from_product", "to_product", "started_by", "ended_by")
    search_fields = ("line__code", "line__name", "to_product__code", "to_product__name", "note")
    date_hierarchy = "started_at"
    inlines = (ChangeoverStepInline,)
    actions: Any = ("complete", "call_off")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm("production.change_changeover")

    @admin.action(description="Complete", permissions=["act"])
    def complete(self, request: HttpRequest, chosen: "QuerySet[Changeover]") -> None:
        self._end(request, chosen, changeovers.complete, "completed")

    @admin.action(description="Call off: it was no changeover", permissions=["act"])
    def call_off(self, request: HttpRequest, chosen: "QuerySet[Changeover]") -> None:
        self._end(request, chosen, changeovers.cancel, "called off")

    def _end(
        self, request: HttpRequest, chosen: "QuerySet[Changeover]", deed: Any, done: str
    ) -> None:
        at = timezone.now()
        for changeover in chosen.select_related("line"):
            try:
                deed(changeover, actor=actor(request), at=at)
            except ActionRefused as refused:
                self.message_user(request, f"{changeover}: {refused.sentence}", messages.ERROR)
            else:
                self.message_user(request, f"{changeover}: {done}.", messages.SUCCESS)

    @column("from", order="from_product")
    def before(self, changeover: Changeover) -> str:
        return str(changeover.from_product or "-")

    @column("status", order="status", colours=STATUS_COLOURS)
    def badge(self, changeover: Changeover) -> tuple[str, str]:
        return changeover.status, changeover.get_status_display()

    @column("took")
    def lasted(self, changeover: Changeover) -> str:
        end = changeover.ended_at or timezone.now()
        text = length((end - changeover.started_at).total_seconds())
        return text if changeover.ended_at else f"{text} so far"

    @column("target", order="target_s")
    def target(self, changeover: Changeover) -> str | None:
        return None if changeover.target_s is None else length(changeover.target_s)

    @column("over target", order="over_target_at", colours={"over": "danger"})
    def over(self, changeover: Changeover) -> tuple[str, str] | None:
        return ("over", "over") if changeover.over_target_at else None

    @column("good in a row")
    def row_of_good(self, changeover: Changeover) -> str:
        row, needed = changeover.good_in_a_row, changeover.good_needed
        # One reading may bring more pieces than were needed.
        return f"{row} of {needed}" if row <= needed else f"{row} ({needed} needed)"
