"""Pages of corrections: the list, and the forms that show what would come of one before it is saved."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from ms5.accounts.audited import actor
from ms5.admin_base import VisibleFilter, column
from production.actions import corrections
from production.actions.corrections import PERMISSION, Preview
from production.admin.base import LimitedRecordAdmin
from production.admin.correcting import FORMS, Asks, Why
from production.admin.correction_words import Line, lines, reason_names, record
from production.admin.moments import minute
from production.models import Correction, Count, Downtime
from production.refusals import ActionRefused
from production.visibility import limited


@admin.register(Correction)
class CorrectionAdmin(LimitedRecordAdmin):
    """What was put right. Nothing is edited here: taking one back is a correction of its own."""

    within = "equipment__line"
    list_display = (
        "number",
        "corrected",
        "equipment",
        "did",
        "changed",
        "oee",
        "reason",
        "by_name",
        "taken_back",
    )
    list_filter = (
        ("equipment__line", VisibleFilter),
        ("equipment", VisibleFilter),
        "what",
        "subject",
    )
    list_select_related = ("equipment", "undone_by")
    search_fields = ("by_name", "reason", "equipment__code", "equipment__name")
    date_hierarchy = "corrected_at"
    actions = ("undo",)  # type: ignore[assignment]  # records have none; this makes a new one

    def has_undo_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(PERMISSION)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, with the names of all reasons that its rows speak of in one query."""
        shown = super().get_changelist_instance(request)
        rows = list(shown.result_list)
        names = reason_names(said for row in rows for said in (row.before, row.after))
        for row in rows:
            row.reason_names = names
        shown.result_list = rows
        return shown

    @column("number", order="pk")
    def number(self, row: Correction) -> int:
        return row.pk

    @column("corrected", order="corrected_at")
    def corrected(self, row: Correction) -> str:
        return minute(row.corrected_at)

    @column("what", order="what")
    def did(self, row: Correction) -> str:
        return f"{row.get_what_display()}: {record(row.subject, row.subject_id).lower()}"

    @column("change")
    def changed(self, row: Correction) -> str | None:
        found = lines(row.before, row.after, getattr(row, "reason_names", {}))
        return (
            format_html_join(
                mark_safe("<br>"),
                "{}: {} → {}",
                found,
            )
            or None
        )

    @column("OEE")
    def oee(self, row: Correction) -> str:
        return f"{percent(row.oee_before)} → {percent(row.oee_after)}"

    @column("taken back by")
    def taken_back(self, row: Correction) -> str | None:
        undoing = getattr(row, "undone_by", None)
        return f"Correction {undoing.pk}" if undoing else None

    @admin.action(description="Undo...", permissions=["undo"])
    def undo(
        self, request: HttpRequest, queryset: "QuerySet[Correction]"
    ) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, "Choose the one correction that is to be taken back.")
            return None
        chosen = queryset.get()
        return HttpResponseRedirect(
            reverse("admin:production_correction_undo", args=[chosen.pk])
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/undo/", view(self.undo_page), name="production_correction_undo"),
            path(
                "new/<slug:kind>/<int:pk>/",
                view(self.correct_page),
                name="production_correction_correct",
            ),
            *super().get_urls(),
        ]

    def correct_page(self, request: HttpRequest, kind: str, pk: int) -> HttpResponse:
        """Ask what is to be put right, show what would come of it, then save."""
        if kind not in FORMS:
            raise Http404
        model, form_class, title = FORMS[kind]
        rows = limited(model._default_manager.all(), actor(request), self.within)  # noqa: SLF001 - documented
        row = cast("Downtime | Count | None", rows.filter(pk=pk).first())
        form = form_class(request.POST or None, initial=_initial(row))
        asks = cast("Asks", form)
        return self._two_steps(
            request,
            row,
            form,
            title,
            lambda at, found: corrections.preview(
                found.equipment, asks.what(found), actor=actor(request), at=at
            ),
            lambda at, found: corrections.correct(
                found.equipment,
                asks.what(found),
                actor=actor(request),
                at=at,
                reason=form.cleaned_data["why"],
            ),
        )

    def undo_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what taking it back would do, then do it."""
        row = self.get_queryset(request).filter(pk=pk).first()
        form = Why(request.POST or None)
        return self._two_steps(
            request,
            row,
            form,
            "Take a correction back",
            lambda at, found: corrections.preview_undo(found, actor=actor(request), at=at),
            lambda at, found: corrections.undo(
                found, actor=actor(request), at=at, reason=form.cleaned_data["why"]
            ),
        )

    def _two_steps(  # noqa: PLR0917 - the two steps, and what both are about
        self,
        request: HttpRequest,
        row: Any,
        form: Why,
        title: str,
        see: Callable[[datetime, Any], Preview],
        do: Callable[[datetime, Any], Correction],
    ) -> HttpResponse:
        if not actor(request).has_perm(PERMISSION):
            raise PermissionDenied
        if row is None:
            raise Http404
        impossible = form.offer(row)
        seen, refused = None, ""
        back = reverse("admin:production_correction_changelist")
        if request.method == "POST" and not impossible and form.is_valid():
            try:
                if request.POST.get("step") == "save":
                    done = do(timezone.now(), row)
                    messages.success(request, f"Saved as correction {done.pk}.")
                    return HttpResponseRedirect(back)
                seen = see(timezone.now(), row)
            except ActionRefused as against:
                refused = against.sentence
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subject": _subject(row),
            "form": form,
            "preview": seen,
            "rows": _rows(seen),
            "window": _window(seen),
            "media": self.media + form.media,
            "stretch": _pair(seen, "stretch"),
            "shift": _pair(seen, "shift"),
            "refused": refused or impossible,
            "impossible": impossible,
            "opts": self.opts,
            "back": back,
        }
        return TemplateResponse(request, "admin/production/correction/correct.html", context)


def _initial(row: Downtime | Count | None) -> dict[str, Any]:
    match row:
        case Downtime():
            return {
                "reason": row.reason_id,
                "moment": row.started_at,
                "started_at": row.started_at,
                "ended_at": row.ended_at,
                "version": row.version,
            }
        case Count():
            return {"quantity": row.quantity}
    return {}


def links(*kinds: str, pk: int) -> str:
    """Return links to the forms that correct a row."""
    parts = [
        format_html(
            '<a href="{}">{}</a>',
            reverse("admin:production_correction_correct", args=[kind, pk]),
            FORMS[kind][2],
        )
        for kind in kinds
    ]
    return format_html(" · ".join("{}" for _ in parts), *parts)


def percent(share: float | None) -> str:
    """Return a fraction as a person reads it."""
    return "-" if share is None else f"{share:.1%}"


def _pair(seen: Preview | None, name: str) -> tuple[str, str]:
    if seen is None:
        return "", ""
    return percent(getattr(seen.before, name)), percent(getattr(seen.after, name))


def _subject(row: Downtime | Count | Correction) -> str:
    match row:
        case Downtime():
            return str(row)
        case Count():
            return f"{row}, counted {minute(row.at)}"
        case Correction():
            return f"{row.equipment}: {row}"


def _window(seen: Preview | None) -> str:
    if seen is None:
        return ""
    made = seen.correction
    return f"{minute(made.affected_from)} to {minute(made.affected_to)}"


def _rows(seen: Preview | None) -> list[tuple[str, list[Line]]]:
    """Return what is said of each record that changes."""
    rows = seen.rows if seen is not None else []
    names = reason_names(said for row in rows for said in (row["before"], row["after"]))
    told = [
        (record(row["subject"], row["id"]), lines(row["before"], row["after"], names))
        for row in rows
    ]
    return [(name, found) for name, found in told if found]
