"""What every page of the admin shares: the theme, badges, ages, frozen codes, and records nobody edits."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from unfold.utils import display_for_label

if TYPE_CHECKING:
    # The theme is published without types; its classes are Django's with other templates.
    from django.contrib.admin import ModelAdmin, TabularInline

    ThemedAdmin = ModelAdmin[Any]
    ThemedInline = TabularInline[Any, Any]
    CodeForm = forms.ModelForm[Any]
else:
    from unfold.admin import ModelAdmin as ThemedAdmin
    from unfold.admin import TabularInline as ThemedInline

    CodeForm = forms.ModelForm

_NARROW = "\N{NO-BREAK SPACE}"  # a number stays with its unit in a narrow column

STATE_COLOURS: Mapping[str, str] = {
    "running": "success",
    "idle": "info",
    "setup": "info",
    "stopped": "warning",
    "starved": "warning",
    "blocked": "warning",
    "faulted": "danger",
}
"""Badge colours of the states; `no_data` has none."""


def column(
    title: str, *, order: str | None = None, colours: Mapping[str, str] | None = None
) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """Make a method a column of lists and forms.

    With `colours` it returns (word, text), or None for nothing, and is drawn as a badge in the word's colour.
    """

    def mark(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        shown = method if colours is None else _badge(method, colours)
        return admin.display(description=title, ordering=order, empty_value="-")(shown)

    return mark


def _badge(
    method: Callable[[Any, Any], Any], colours: Mapping[str, str]
) -> Callable[[Any, Any], Any]:
    # The theme's own label is drawn in lists only; a form would show the tuple.
    @wraps(method)
    def badge(page: Any, row: Any) -> Any:
        told = method(page, row)
        if told is None:
            return None
        word, text = told
        return display_for_label((word, text), "-", {word: colours.get(word, "")})

    return badge


def length(seconds: float) -> str:
    """Return a length of time as a person says it: `4 s`, `3 min`, `5 h 20 min`, `2 d 3 h`."""
    whole = int(max(0, seconds))
    if whole < 60:
        return f"{whole}{_NARROW}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes}{_NARROW}min"
    if days == 0:
        return f"{hours}{_NARROW}h {minutes % 60}{_NARROW}min"
    return f"{days}{_NARROW}d {hours % 24}{_NARROW}h"


def ago(at: datetime | None, now: datetime | None = None) -> str | None:
    """Return the age of a moment, such as `4 s ago`; None for a moment that never was."""
    if at is None:
        return None
    return f"{length(((now or timezone.now()) - at).total_seconds())} ago"


class FrozenCodeForm(CodeForm):
    """A form whose code can be chosen once: programs, streams and bookmarks know things by it.

    It may show some of a row's fields alone, and what is wrong with another is said all the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "code" in self.fields:
            self.fields["code"].disabled = True
            self.fields["code"].help_text = "Codes never change."

    def add_error(self, field: str | None, error: Any) -> None:
        """Note what is wrong; of a field that only the row's own page shows it is said of the whole row."""
        if hasattr(error, "error_dict"):
            told: dict[str, list[ValidationError]] = {}
            for name, errors in error.error_dict.items():
                place = name if name in self.fields else NON_FIELD_ERRORS
                told[place] = [*told.get(place, ()), *errors]
            error = ValidationError(told)
        super().add_error(field, error)


class SearchedSelect(AutocompleteSelect):
    """A choice that is searched for. What is no key has chosen nothing: Django would fail to draw it again."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if self._is_key(each)], attr)

    def _is_key(self, value: Any) -> bool:
        key = self.field.target_field
        try:
            key.run_validators(key.to_python(value))
        except ValidationError:
            return False
        return True


class SearchedChoices:
    """Mix-in: the choices of `autocomplete_fields` can be shown again whatever was sent for them."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        page: Any = self
        if db_field.name in page.get_autocomplete_fields(request):
            kwargs.setdefault(
                "widget", SearchedSelect(db_field, page.admin_site, using=kwargs.get("using"))
            )
        found: Any = super()
        return found.formfield_for_foreignkey(db_field, request, **kwargs)


class VisibleFilter(admin.RelatedFieldListFilter):
    """Offer only what this user may see: a filter must not name foreign lines."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> Any:
        related = model_admin.admin_site.get_model_admin(field.remote_field.model)
        order = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(
            include_blank=False,
            ordering=order,
            limit_choices_to={"pk__in": related.get_queryset(request).values("pk")},
        )


class MonitoredAdmin(ThemedAdmin):
    """Base of all pages: cheap lists, and no count of the whole table under every filter."""

    show_full_result_count = False
    list_per_page = 50


class ReadOnly:
    """Nobody adds, changes or deletes here, whatever the role: the past is not rewritten by a form."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordAdmin(ReadOnly, MonitoredAdmin):
    """Records of what happened, or what the system itself keeps."""

    actions = None


class RecordInline(ReadOnly, ThemedInline):
    """The same under its owner."""

    extra = 0
    can_delete = False


def field_names(model: type[models.Model], *without: str) -> list[str]:
    """Return the model's own fields in their order, save those named."""
    fields = model._meta.fields  # noqa: SLF001 - Django's documented API
    return [field.name for field in fields if field.name not in without]
