"""Pages that show a person only what hangs on the lines they may see."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.http import HttpRequest

from ms5.accounts.audited import AuditedAdmin, AuditedInline, actor
from ms5.admin_base import RecordAdmin
from production.models import Line
from production.visibility import limited

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    # What the mix-ins are mixed into; at run time they stand before it in the order of bases.
    Page = BaseModelAdmin[Any]
else:
    Page = object


class Limited(Page):
    """Mix-in: rows and choices are those of visible lines. `within` is the query path to the line."""

    within: ClassVar[str]

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return self.visible(super().get_queryset(request), request)

    def visible(
        self, rows: "models.QuerySet[Any]", request: HttpRequest
    ) -> "models.QuerySet[Any]":
        return limited(rows, actor(request), self.within)


class LimitedChoices(Page):
    """Mix-in: a choice of a related object offers, and accepts, only those its own page would show."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        related = db_field.remote_field.model
        if self.admin_site.is_registered(related):
            page = self.admin_site.get_model_admin(related)
            kwargs.setdefault("queryset", page.get_queryset(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class LimitedAdmin(LimitedChoices, Limited, AuditedAdmin):
    """What belongs to one line and is edited."""


class PlantAdmin(LimitedChoices, AuditedAdmin):
    """What belongs to no line and is edited by those whose role says so."""


class LimitedInline(LimitedChoices, Limited, AuditedInline):
    """Edited rows that belong to a line, under their owner."""


class LimitedRecordAdmin(Limited, RecordAdmin):
    """Records of what happened on a line."""


class OfAnyLine(Page):
    """Mix-in: rows of visible lines, and those of any line, which only who sees every line may change."""

    def visible(
        self, rows: "models.QuerySet[Any]", request: HttpRequest
    ) -> "models.QuerySet[Any]":
        lines = Line.objects.visible_to(actor(request)).values("pk")
        return rows.filter(Q(line__isnull=True) | Q(line__in=lines))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _reaches(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions; a choice of many may hold one of any line, so that all must be reached."""
        actions = super().get_actions(request)  # type: ignore[misc]  # of the page it is mixed into
        if not actor(request).sees_all_lines:
            actions.pop("delete_selected", None)
        return actions

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "line" and field is not None:
            field.required = not actor(request).sees_all_lines
        return field


def _reaches(request: HttpRequest, row: Any) -> bool:
    """Whether the user sees every line that the row is for."""
    return row is None or row.line_id is not None or actor(request).sees_all_lines


class AllLinesToAdd(Page):
    """Mix-in: only who sees every line may add one more, since it would be hidden from anyone else."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An inline is asked with its owner, a page without.
        allowed = super().has_add_permission(request)
        return allowed and actor(request).all_lines
