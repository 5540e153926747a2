"""Pages of imports: a file is uploaded, what it would change is shown, and only then applied."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from ms5.accounts.audited import actor
from ms5.admin_base import RecordAdmin, VisibleFilter, column
from production.refusals import ActionRefused, NotAllowed
from telemetry import importing
from telemetry.admin.importing_forms import MOST_KINDS, ChoicesForm, FileForm
from telemetry.importers.changes import ORDER, Change
from telemetry.models import Plc, TagImport
from telemetry.visibility import plcs_of

_SHOWN = 200
_BITS = "New message bits, each of a kind that is a guess: look at it here, or later under Message bits"
_TITLES = {
    "refused": "Refused",
    "in part": "Taken, but not all of it",
    "new": "New",
    "changed": "Changed",
    "vanished": "Not in the file any more",
    "unchanged": "As it is",
    "passed over": "Rows that name no tag",
}


@admin.register(TagImport)
class TagImportAdmin(RecordAdmin):
    """Files that were brought, and what became of them."""

    list_display = (
        "file_name",
        "plc",
        "equipment",
        "kind",
        "by_name",
        "made_at",
        "told",
        "done",
    )
    list_filter = (("plc", VisibleFilter), "kind")
    list_select_related = ("plc", "equipment")
    search_fields = ("file_name", "plc__code", "by_name")
    fields = (*list_display, "digest")
    readonly_fields = ("told", "done")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        mine = plcs_of(Plc.objects.all(), actor(request)).values("pk")
        return super().get_queryset(request).defer("content").filter(plc__in=mine)

    @column("rows")
    def told(self, row: TagImport) -> str:
        return ", ".join(f"{count} {what}" for what, count in row.counts.items() if count)

    @column("applied", order="applied_at", colours={"yes": "success", "no": "warning"})
    def done(self, row: TagImport) -> tuple[str, str]:
        return ("yes", f"{row.applied_at:%d.%m. %H:%M}") if row.applied_at else ("no", "no")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("into/<int:plc>/", view(self.upload_page), name="telemetry_tagimport_upload"),
            path(
                "<int:pk>/preview/", view(self.preview_page), name="telemetry_tagimport_preview"
            ),
            *super().get_urls(),
        ]

    def upload_page(self, request: HttpRequest, plc: int) -> HttpResponse:
        """Take a file for a controller."""
        found = plcs_of(Plc.objects.filter(pk=plc), actor(request)).first()
        if found is None:
            raise Http404
        form = FileForm(request, request.POST or None, request.FILES or None)
        refused = ""
        try:
            importing.demand(actor(request), found, None)
            if request.method == "POST" and form.is_valid():
                file = form.cleaned_data["file"]
                imported = importing.upload(
                    found,
                    file.read(),
                    name=file.name,
                    equipment=form.cleaned_data["equipment"],
                    actor=actor(request),
                    at=timezone.now(),
                )
                return HttpResponseRedirect(
                    reverse("admin:telemetry_tagimport_preview", args=[imported.pk])
                )
        except NotAllowed as not_theirs:
            raise PermissionDenied from not_theirs
        except ActionRefused as against:
            refused = against.sentence
        title = f"Import tags into {found.code}"
        context = {"form": form, "refused": refused, "back": _page_of(found)}
        return self._page(request, "import_file.html", title, context)

    def preview_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a file would change, and apply it."""
        row = (
            TagImport.objects.select_related("plc", "equipment")
            .filter(pk__in=self.get_queryset(request).values("pk"), pk=pk)
            .first()
        )
        if row is None:
            raise Http404
        if row.applied_at is not None:
            messages.info(request, "This file has been applied already.")
            return HttpResponseRedirect(_page_of(row.plc))
        refused = ""
        try:
            importing.demand(actor(request), row.plc, row.equipment)
            seen = importing.preview(bytes(row.content), row.plc, row.equipment)
        except NotAllowed as not_theirs:
            raise PermissionDenied from not_theirs
        except ActionRefused as against:
            messages.error(request, against.sentence)
            return HttpResponseRedirect(_page_of(row.plc))
        form = ChoicesForm(seen, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                done = importing.apply(
                    row,
                    roles=form.roles,
                    kinds=form.cleaned_data["kinds"],
                    everything=form.cleaned_data["everything"],
                    retire=form.cleaned_data.get("retire", False),
                    seen=form.cleaned_data["seen"],
                    actor=actor(request),
                    at=timezone.now(),
                )
            except ActionRefused as against:
                refused = against.sentence
                form = ChoicesForm(seen)
            else:
                messages.success(request, f"{done.file_name} is imported: {self.told(done)}.")
                return HttpResponseRedirect(_page_of(row.plc))
        context = {
            "row": row,
            "form": form,
            "refused": refused,
            "parts": _parts(seen, form),
            "missing": seen.missing,
            "back": _page_of(row.plc),
        }
        return self._page(request, "preview_import.html", f"{row.file_name}: preview", context)

    def _page(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        form = context["form"]
        site = self.admin_site.each_context(request)
        common = {**site, "title": title, "opts": self.opts, "media": self.media + form.media}
        return TemplateResponse(request, f"admin/telemetry/{template}", common | context)


def _page_of(plc: Plc) -> str:
    return reverse("admin:telemetry_plc_change", args=[plc.pk])


def _parts(
    seen: importing.Preview, form: ChoicesForm
) -> list[tuple[str, int, list[tuple[Change, str, str]]]]:
    """Return each kind of change that there is: its title, how many, and the first of them with their words."""
    guessed = seen.kinds
    parts = []
    bits = [row for row in seen.changes if row.what == "new" and row.name in guessed]
    if bits:
        told = [(row, "", _bit_words(row, form.kind_of(row.name))) for row in bits[:MOST_KINDS]]
        parts.append((_BITS, len(bits), told))
    for what in ORDER:
        rows = [
            row
            for row in seen.changes
            if row.what == what and not (what == "new" and row.bit is not None)
        ]
        if rows:
            told = [(row, seen.roles.get(row.name, ""), _words(row)) for row in rows[:_SHOWN]]
            parts.append((_TITLES[what], len(rows), told))
    return parts


def _words(change: Change) -> str:
    """Return in words what becomes of a row."""
    if change.why:
        return change.why
    if change.fields:
        return ", ".join(
            f"{name.replace('_', ' ')}: {old} becomes {new}"
            for name, (old, new) in change.fields.items()
        )
    if change.tag is not None:
        many = f"[{change.tag.length}]" if change.tag.length > 1 else ""
        return f"{change.tag.data_type}{many} at {change.tag.address}. {change.tag.description}"
    if change.bit is not None:
        return _bit_words(change, change.bit.kind)
    return ""


def _bit_words(change: Change, kind: str) -> str:
    bit = change.bit
    assert bit is not None  # noqa: S101 - only asked of bits
    return format_html("{} {}, {}: {}", kind, bit.severity, bit.source, bit.text)
