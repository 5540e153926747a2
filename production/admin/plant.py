"""Pages of sites, areas, lines, equipment, products and ideal cycles."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from ms5.accounts.audited import actor
from ms5.admin_base import STATE_COLOURS, VisibleFilter, ago, column
from production.actions import calendar, standards
from production.admin.base import AllLinesToAdd, LimitedAdmin, LimitedInline, PlantAdmin
from production.admin.following import FollowedCycles, InAction
from production.models import Area, Equipment, IdealCycle, Line, Product, Site
from production.visibility import with_a_visible_line


@admin.register(Site)
class SiteAdmin(InAction, AllLinesToAdd, PlantAdmin):
    """Plants, each with the time zone its shifts live in."""

    list_display = ("code", "name", "time_zone")
    search_fields = ("code", "name")

    def save_model(
        self,
        request: HttpRequest,
        obj: Site,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and "time_zone" in form.changed_data:
            calendar.moved(Equipment.objects.filter(line__area__site=obj))

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        return with_a_visible_line(rows, actor(request), "areas__lines")


@admin.register(Area)
class AreaAdmin(InAction, AllLinesToAdd, PlantAdmin):
    """Parts of a site."""

    list_display = ("code", "name", "site")
    list_filter = (("site", VisibleFilter),)
    list_select_related = ("site",)
    search_fields = ("code", "name", "site__code", "site__name")
    autocomplete_fields = ("site",)

    def save_model(
        self,
        request: HttpRequest,
        obj: Area,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and "site" in form.changed_data:
            calendar.moved(Equipment.objects.filter(line__area=obj))

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        return with_a_visible_line(rows, actor(request), "lines")


class EquipmentInline(LimitedInline):
    """The equipment of a line in flow order; thresholds are on each one's own page."""

    model = Equipment
    within = "line"
    line_code_path = "line.code"
    fields = ("position", "code", "name", "is_constraint")
    show_change_link = True


@admin.register(Line)
class LineAdmin(InAction, AllLinesToAdd, LimitedAdmin):
    """Lines in plant order, each with its equipment."""

    within = "pk"
    line_code_path = "code"
    list_display = ("code", "name", "area", "position", "machines", "constraint")
    list_filter = (("area", VisibleFilter),)
    search_fields = ("code", "name")
    autocomplete_fields = ("area",)
    inlines = (EquipmentInline,)
    fieldsets = (
        (
            None,
            {
                "fields": ("code", "name", "area", "position"),
                "description": "The code names the line for programs and boards and never changes.",
            },
        ),
        (
            "Its figures",
            {"fields": ("oee_method", "no_data_is_stop", "changeover_good_needed")},
        ),
    )

    def save_model(
        self,
        request: HttpRequest,
        obj: Line,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and {"oee_method", "no_data_is_stop"} & set(form.changed_data):
            standards.line_changed(obj)
        if change and "area" in form.changed_data:
            calendar.moved(Equipment.objects.filter(line=obj))

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        return rows.select_related("area__site").prefetch_related("equipment")

    @column("equipment")
    def machines(self, line: Line) -> int:
        return len(line.equipment.all())

    @column("constraint")
    def constraint(self, line: Line) -> str | None:
        return next((each.name for each in line.equipment.all() if each.is_constraint), None)


class IdealCycleInline(LimitedInline):
    """The ideal cycles of an equipment, per product and date."""

    model = IdealCycle
    within = "equipment__line"
    line_code_path = "equipment.line.code"
    fields = ("product", "seconds", "effective_from", "slow_after_s", "stop_after_s")
    autocomplete_fields = ("product",)


@admin.register(Equipment)
class EquipmentAdmin(FollowedCycles, InAction, LimitedAdmin):
    """Machines: their place in the line, their thresholds, and what they are doing now."""

    within = "line"
    line_code_path = "line.code"
    list_display = (
        "code",
        "name",
        "line",
        "position",
        "constraint",
        "state",
        "since",
        "reading",
    )
    list_filter = (("line", VisibleFilter), "is_constraint", "condition__state")
    list_select_related = ("line", "condition")
    search_fields = ("code", "name", "line__code", "line__name")
    autocomplete_fields = ("line",)
    readonly_fields = ("state", "since", "reading")
    inlines = (IdealCycleInline,)
    fieldsets = (
        (None, {"fields": ("code", "name", "line", "position", "is_constraint")}),
        ("Now", {"fields": ("state", "since", "reading")}),
        (
            "When it runs, stops, and is silent",
            {
                "fields": ("running_above", "slow_after_s", "stop_after_s", "no_data_after_s"),
                "description": "A stop up to the stop threshold is a micro-stop, a performance loss;"
                " a longer one is a downtime. Another threshold holds for stops that begin from now on.",
            },
        ),
    )

    def save_model(
        self,
        request: HttpRequest,
        obj: Equipment,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and {"is_constraint", "line", "slow_after_s"} & set(form.changed_data):
            standards.told_anew(obj)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return Equipment.objects.in_flow_order().filter(
            pk__in=super().get_queryset(request).values("pk")
        )

    @column("constraint", order="is_constraint", colours={"constraint": "primary"})
    def constraint(self, equipment: Equipment) -> tuple[str, str] | None:
        return ("constraint", "constraint") if equipment.is_constraint else None

    @column("state", order="condition__state", colours=STATE_COLOURS)
    def state(self, equipment: Equipment) -> tuple[str, str]:
        condition = getattr(equipment, "condition", None)
        if condition is None:
            return "no_data", "no data yet"
        return condition.state, condition.get_state_display()

    @column("for", order="condition__since")
    def since(self, equipment: Equipment) -> str | None:
        condition = getattr(equipment, "condition", None)
        age = ago(condition.since) if condition else None
        return age.removesuffix(" ago") if age else None

    @column("last good reading", order="condition__last_good_at")
    def reading(self, equipment: Equipment) -> str | None:
        condition = getattr(equipment, "condition", None)
        return ago(condition.last_good_at) if condition else None


@admin.register(Product)
class ProductAdmin(PlantAdmin):
    """What is made; products belong to the plant and not to a line."""

    list_display = ("code", "name", "plc_number")
    search_fields = ("code", "name", "=plc_number")


@admin.register(IdealCycle)
class IdealCycleAdmin(FollowedCycles, InAction, LimitedAdmin):
    """How long one piece ideally takes. A new standard is a new row, so that past figures keep theirs.

    One that is added or changed for the past holds there too: what was counted takes it.
    """

    within = "equipment__line"
    line_code_path = "equipment.line.code"
    list_display = (
        "equipment",
        "product",
        "seconds",
        "per_minute",
        "effective_from",
        "slow_after_s",
        "stop_after_s",
    )
    list_filter = (("equipment__line", VisibleFilter), ("product", VisibleFilter))
    list_select_related = ("equipment", "product")
    search_fields = ("equipment__code", "equipment__name", "product__code", "product__name")
    autocomplete_fields = ("equipment", "product")
    date_hierarchy = "effective_from"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the beginning of today: a cycle that begins now leaves the day so far without a target."""
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return {"effective_from": today, **super().get_changeform_initial_data(request)}

    @column("a minute", order="-seconds")
    def per_minute(self, cycle: IdealCycle) -> str:
        return f"{60 / cycle.seconds:.4g}"
