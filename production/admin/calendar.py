"""Pages of shifts with their breaks, and of the days that differ."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest

from ms5.accounts.audited import AuditedInline, actor
from ms5.admin_base import VisibleFilter, column
from production.actions.calendar import may_change, recalculate
from production.admin.base import LimitedChoices, PlantAdmin
from production.models import Break, CalendarException, Line, Shift

if TYPE_CHECKING:
    Formset = forms.BaseInlineFormSet[Any, Any, Any]
    Form = forms.ModelForm[Any]
else:
    Formset = forms.BaseInlineFormSet
    Form = forms.ModelForm

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class BreakFormset(Formset):
    """All breaks of a shift, looked at together with the shift as it will be."""

    def clean(self) -> None:
        """Refuse breaks that overlap or lie outside of the shift."""
        super().clean()
        shift = self.instance
        kept = [
            form.instance
            for form in self.forms
            if form.is_valid() and form.has_changed() | bool(form.instance.pk)
            if form not in self.deleted_forms
        ]
        if any(self.errors) or shift.starts is None or shift.ends is None:
            return
        shift.clean_breaks(kept)


class BreakInline(LimitedChoices, AuditedInline):
    """The breaks of a shift."""

    model = Break
    formset = BreakFormset
    line_code_path = "shift.line.code"
    fields = ("name", "starts", "ends")


class CalendarAdmin(PlantAdmin):
    """What says when lines produce: of a site, or of one of its lines.

    Who does not see every line that a row speaks of may read it, not change it.
    """

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        user = actor(request)
        if user.sees_all_lines:
            return rows
        lines = Line.objects.visible_to(user)
        return rows.filter(
            Q(line__in=lines.values("pk")) | Q(line=None, site__in=lines.values("area__site"))
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(actor(request), obj.site, obj.line))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(actor(request), obj.site, obj.line))

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the form, which refuses a site or a line beyond what the person sees."""
        form: type[Form] = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (Reaching, form), {"person": actor(request)})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - as Django declares it
        with transaction.atomic():
            if change:
                recalculate(type(obj).objects.get(pk=obj.pk))
            super().save_model(request, obj, form, change)

    def save_related(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        with transaction.atomic():
            super().save_related(request, form, formsets, change)
            recalculate(form.instance)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            recalculate(obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        with transaction.atomic():
            for obj in queryset.select_related("site"):
                recalculate(obj)
            # Rows joined over a line that may be missing cannot be locked.
            super().delete_queryset(request, queryset.select_related(None))


class Reaching(Form):
    """Mix-in of forms: the lines that the row speaks of are lines that the person sees."""

    person: Any

    def clean(self) -> Any:
        cleaned = super().clean()
        values = cleaned or self.cleaned_data
        site, line = values.get("site"), values.get("line")
        if site is not None and not may_change(self.person, site, line):
            raise ValidationError("You do not see every line of this site: choose a line.")
        return cleaned


@admin.register(Shift)
class ShiftAdmin(CalendarAdmin):
    """Shifts that recur, with their breaks."""

    line_code_path = "line.code"
    list_display = ("name", "site", "line", "days", "starts", "ends", "pauses")
    list_filter = (("site", VisibleFilter), ("line", VisibleFilter))
    list_select_related = ("site", "line")
    search_fields = ("name", "site__name", "line__code", "line__name")
    autocomplete_fields = ("site", "line")
    inlines = (BreakInline,)
    fieldsets = (
        (
            None,
            {
                "fields": ("site", "line", "name", "weekdays", "starts", "ends"),
                "description": "Times are the wall clock of the site."
                " A line with shifts of its own has none of its site's.",
            },
        ),
        ("When it holds", {"fields": ("first_day", "last_day")}),
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).prefetch_related("breaks")

    @column("on", order="weekdays")
    def days(self, shift: Shift) -> str:
        if len(shift.weekdays) == len(WEEKDAYS):
            return "every day"
        return ", ".join(WEEKDAYS[int(day) - 1] for day in shift.weekdays)

    @column("breaks")
    def pauses(self, shift: Shift) -> str | None:
        return (
            ", ".join(f"{each.starts:%H:%M}-{each.ends:%H:%M}" for each in shift.breaks.all())
            or None
        )


@admin.register(CalendarException)
class CalendarExceptionAdmin(CalendarAdmin):
    """Holidays, overtime, and days without demand."""

    line_code_path = "line.code"
    list_display = ("name", "kind", "site", "line", "first_day", "last_day", "starts", "ends")
    list_filter = ("kind", ("site", VisibleFilter), ("line", VisibleFilter))
    list_select_related = ("site", "line")
    search_fields = ("name", "site__name", "line__code", "line__name")
    autocomplete_fields = ("site", "line")
    date_hierarchy = "first_day"
