"""Edits of the plant as actions: what they change of the past is followed in the same transaction."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import HttpRequest, HttpResponse

from ms5.accounts.audited import actor
from ms5.events.log import recording
from production.actions import standards
from production.models import Equipment, IdealCycle

if TYPE_CHECKING:
    from ms5.accounts.audited import AuditedAdmin as Edited
else:
    Edited = object

Since = tuple[Equipment, int, datetime]


class InAction(Edited):
    """Mix-in: each form is one recording, since Django's own transaction would stand around its facts."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        with recording():
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().delete_view(request, *args, **kwargs)
        with recording():
            return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, *args, **kwargs)
        with recording():
            return super().changelist_view(request, *args, **kwargs)


class FollowedCycles(InAction):
    """Mix-in: what was counted follows the ideal cycles that a page adds, changes or removes.

    Thresholds that it changes hold from now on.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with _thresholds_kept(request):
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with _thresholds_kept(request):
            return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with _thresholds_kept(request):
            return super().changelist_view(request, *args, **kwargs)

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        before = _stored([obj.pk]) if change and isinstance(obj, IdealCycle) else []
        super().save_model(request, obj, form, change)
        if isinstance(obj, IdealCycle):
            _follow([*before, _since(obj)], request)

    def save_formset(
        self,
        request: HttpRequest,
        form: Any,
        formset: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        if formset.model is not IdealCycle:
            super().save_formset(request, form, formset, change)
            return
        kept = [each.instance.pk for each in formset.initial_forms]
        before = dict(zip(sorted(kept), _stored(kept), strict=True))
        # Before they go: counts that name a row stand against its end.
        for each in formset.deleted_forms:
            if each.instance.pk is not None:
                _leave(each.instance, request)
        super().save_formset(request, form, formset, change)
        changed = [obj for obj, _ in formset.changed_objects]
        old = [before[obj.pk] for obj in changed]
        _follow([*old, *map(_since, [*changed, *formset.new_objects])], request)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        if isinstance(obj, IdealCycle):
            _leave(obj, request)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        if queryset.model is IdealCycle:
            for obj in queryset:
                _leave(obj, request)
        super().delete_queryset(request, queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Counts do not stand against it: they take the ideal cycle that is then in force."""
        gone, numbers, needed, against = super().get_deleted_objects(objs, request)
        if all(isinstance(each, IdealCycle) for each in objs):
            return gone, numbers, set(), []
        return gone, numbers, needed, against


def _thresholds_kept(request: HttpRequest) -> AbstractContextManager[None]:
    return standards.thresholds_kept() if request.method == "POST" else nullcontext()


def _stored(pks: Iterable[int]) -> list[Since]:
    rows = IdealCycle.objects.select_related("equipment__line").filter(pk__in=list(pks))
    return [_since(row) for row in rows.order_by("pk")]


def _since(row: IdealCycle) -> Since:
    return row.equipment, row.product_id, row.effective_from


def _leave(row: IdealCycle, request: HttpRequest) -> None:
    standards.cycles_changed(*_since(row), actor=actor(request), leaving=row)


def _follow(touched: Iterable[Since], request: HttpRequest) -> None:
    """Let the counts follow from the earliest moment that each product's cycles changed."""
    earliest: dict[tuple[int, int], Since] = {}
    for each in touched:
        key = (each[0].pk, each[1])
        if key not in earliest or each[2] < earliest[key][2]:
            earliest[key] = each
    for equipment, product_id, since in earliest.values():
        standards.cycles_changed(equipment, product_id, since, actor=actor(request))
