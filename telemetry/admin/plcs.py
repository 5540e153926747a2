"""Pages of controllers: where they are, whether they answer, and which tags they have."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from ms5.accounts.audit import record
from ms5.accounts.audited import actor
from ms5.admin_base import ago, column
from production.admin.base import AllLinesToAdd, LimitedInline, LimitedRecordAdmin, PlantAdmin
from production.refusals import ActionRefused
from telemetry import quarantine
from telemetry.admin.columns import LINK_COLOURS, TagColumns, link_of
from telemetry.admin.deleting import DeletedWithReadings, hold
from telemetry.choices import Role
from telemetry.connection import MOST_AT_ONCE, answers
from telemetry.models import ConfigurationWarning, Plc, PlcLink, Tag
from telemetry.roles import bit_error
from telemetry.sharding import bound, move
from telemetry.visibility import plcs_of, serves_only_lines_of, tags_of

_MOVE = "Move to shard %s, with all that share a machine or a serial line"

if TYPE_CHECKING:
    Formset = forms.BaseInlineFormSet[Any, Any, Any]
else:
    Formset = forms.BaseInlineFormSet


class TagFormset(Formset):
    """The tags of a controller: each form knows what is stored, and here what the others say."""

    def clean(self) -> None:
        """Refuse a second tag for a role that one tag plays, and a type that leaves bits without a place."""
        super().clean()
        played: set[tuple[int, str]] = set()
        for form in self.forms:
            tag = form.instance
            if not form.is_valid() or form.cleaned_data.get("DELETE"):
                continue
            if "data_type" in form.changed_data and (wrong := _lost_bit(tag)):
                form.add_error("data_type", wrong)
            if not tag.enabled or tag.equipment_id is None:
                continue
            if tag.role in {Role.NONE, Role.MESSAGE_BITS}:
                continue
            if (tag.equipment_id, tag.role) in played:
                form.add_error("role", "Another tag of this page plays that role already.")
            played.add((tag.equipment_id, tag.role))


def _lost_bit(tag: Tag) -> str:
    """Say which described bit a tag of its present type has not; empty when it has them all."""
    last = tag.bits.order_by("bit").last() if tag.pk else None
    wrong = last and bit_error(tag.name, tag.data_type, tag.length, last.bit)
    return f"{wrong}. What its bits mean is on the page of the tag." if wrong else ""


class TagInline(TagColumns, LimitedInline):
    """The tags of a controller with what they said last; the rest of a tag is on its own page."""

    model = Tag
    formset = TagFormset
    within = "equipment__line"
    line_code_path = "equipment.line.code"
    fields = (
        "name",
        "address",
        "data_type",
        "equipment",
        "role",
        "enabled",
        "latest_value",
        "latest_quality",
        "latest_error",
    )
    readonly_fields = ("latest_value", "latest_quality", "latest_error")
    autocomplete_fields = ("equipment",)
    show_change_link = True

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        return tags_of(rows, actor(request)).select_related("latest", "equipment", "plc")


def _is_stored(plc: Any) -> bool:
    """Whether it has a row: a form of a new one is drawn with none."""
    return plc.pk is not None


@admin.register(Plc)
class PlcAdmin(DeletedWithReadings, AllLinesToAdd, PlantAdmin):
    """Controllers. One that also serves foreign lines is shown, not edited."""

    list_display = (
        "code",
        "name",
        "protocol",
        "address",
        "status",
        "since",
        "seen",
        "last_error",
        "enabled",
    )
    list_filter = ("link__status", "protocol", "enabled", "shard")
    list_select_related = ("link",)
    search_fields = ("code", "name", "host")
    readonly_fields = (
        "status",
        "since",
        "seen",
        "tried",
        "failures",
        "last_error",
        "warned",
        "file_import",
        "stretched",
    )
    inlines = (TagInline,)
    actions = ("test_connection", "accept_program")
    fieldsets = (
        (None, {"fields": ("code", "name", "enabled", "warned", "file_import")}),
        (
            "Where it is",
            {
                "fields": ("protocol", "host", "port", "path", "serial"),
                "description": "It is only read: no driver here can write.",
            },
        ),
        ("Link", {"fields": ("status", "since", "seen", "tried", "failures", "last_error")}),
        (
            "Polling",
            {
                "fields": ("poll_period_s", "timeout_s", "shard"),
                "description": "A change takes effect within a few seconds.",
            },
        ),
        (
            "Its load",
            {
                "fields": (
                    "pause_ms",
                    "max_gap",
                    "max_block",
                    "max_requests_per_s",
                    "max_bytes_per_s",
                    "stretched",
                ),
                "description": "How much is asked of it at most; beyond that its polls are stretched.",
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return plcs_of(super().get_queryset(request), actor(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or serves_only_lines_of(obj, actor(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or serves_only_lines_of(obj, actor(request)))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """Say above the form what is wrong with the controller's configuration."""
        if request.method == "GET" and object_id and object_id.isdigit():
            mine = self.get_queryset(request).filter(pk=int(object_id)).values("pk")
            for row in ConfigurationWarning.objects.filter(plc__in=mine, settled_at=None):
                messages.warning(request, row.text)
        return super().changeform_view(request, object_id, form_url, extra_context)

    @column("warnings")
    def warned(self, plc: Plc) -> str | None:
        if not _is_stored(plc):
            return None
        many = plc.warnings.filter(settled_at=None).count()
        if not many:
            return None
        link = reverse("admin:telemetry_configurationwarning_changelist")
        return format_html('<a href="{}?plc__id__exact={}">{} open</a>', link, plc.pk, many)

    @column("tags")
    def file_import(self, plc: Plc) -> str | None:
        if not _is_stored(plc):
            return "Save the controller first, then import its tags."
        link = reverse("admin:telemetry_tagimport_upload", args=[plc.pk])
        return format_html('<a href="{}">Import from a file...</a>', link)

    @column("address", order="host")
    def address(self, plc: Plc) -> str:
        return f"{plc.host}:{plc.port}"

    @column("link", order="link__status", colours=LINK_COLOURS)
    def status(self, plc: Plc) -> tuple[str, str]:
        link = link_of(plc)
        if not plc.enabled:
            return "disabled", "disabled"
        return (link.status, link.get_status_display()) if link else ("none", "never polled")

    @column("for", order="link__since")
    def since(self, plc: Plc) -> str | None:
        link = link_of(plc)
        age = ago(link.since) if link else None
        return age.removesuffix(" ago") if age else None

    @column("last answer", order="link__last_ok_at")
    def seen(self, plc: Plc) -> str | None:
        link = link_of(plc)
        return ago(link.last_ok_at) if link else None

    @column("last try")
    def tried(self, plc: Plc) -> str | None:
        link = link_of(plc)
        return ago(link.last_try_at) if link else None

    @column("polls failed in a row")
    def failures(self, plc: Plc) -> int | None:
        link = link_of(plc)
        return link.failures if link else None

    @column("last error")
    def last_error(self, plc: Plc) -> str | None:
        link = link_of(plc)
        return (link.error or None) if link else None

    @column("load")
    def stretched(self, plc: Plc) -> str | None:
        link = link_of(plc)
        return (link.load or None) if link else None

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        if formset.model is Tag:
            hold([gone.instance for gone in formset.deleted_forms if gone.instance.pk])
        super().save_formset(request, form, formset, change)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions, and one for each shard that controllers can be moved to."""
        actions: dict[str, Any] = super().get_actions(request)
        shards = settings.POLL_SHARDS
        if shards > 1 and self.has_change_permission(request):
            for shard in range(shards):
                does = partial(type(self).move_to_shard, shard=shard)
                actions[f"move_to_shard_{shard}"] = (
                    does,
                    f"move_to_shard_{shard}",
                    _MOVE % shard,
                )
        return actions

    def move_to_shard(
        self, request: HttpRequest, plcs: "models.QuerySet[Plc]", *, shard: int
    ) -> None:
        """Move them, with all that share a machine or a serial line with them."""
        together = bound(plcs)
        if foreign := [plc for plc in together if not self.has_change_permission(request, plc)]:
            messages.error(
                request, f"{foreign[0]} would move too, and serves lines that are not yours."
            )
            return
        moved = move(together, shard, actor=actor(request))
        said = ", ".join(plc.code for plc in moved) or "none, they are there already"
        messages.success(request, f"Moved to shard {shard}: {said}.")

    @admin.action(description="Test connection", permissions=["change"])
    def test_connection(self, request: HttpRequest, plcs: "models.QuerySet[Plc]") -> None:
        """Tell ok or failed, no more; a test is a deed and leaves an entry in the audit."""
        chosen = [plc for plc in plcs if self.has_change_permission(request, plc)]
        if len(chosen) > MOST_AT_ONCE:
            messages.error(request, f"Choose at most {MOST_AT_ONCE} controllers at once.")
            return
        for plc in chosen:
            record(actor(request), "plc.test", plc)
        told = answers(chosen)
        for plc in chosen:
            if told[plc.code]:
                messages.success(request, f"{plc.code}: ok, it answered.")
            else:
                messages.error(request, f"{plc.code}: failed.")

    @admin.action(
        description="Accept the new program (its tags are read first)", permissions=["change"]
    )
    def accept_program(self, request: HttpRequest, plcs: "models.QuerySet[Plc]") -> None:
        """Let the values of changed programs count again, where every tag can be read as it is configured."""
        for plc in plcs:
            try:
                quarantine.accept(plc, actor=actor(request), at=timezone.now())
            except ActionRefused as refused:
                messages.error(request, refused.sentence)
            else:
                messages.success(request, f"{plc.code}: its values count again.")


@admin.register(PlcLink)
class PlcLinkAdmin(LimitedRecordAdmin):
    """Whether each controller answers."""

    list_display = ("plc", "badge", "since", "seen", "failures", "error")
    list_filter = ("status",)
    list_select_related = ("plc",)
    search_fields = ("plc__code", "plc__name", "error")
    ordering = ("plc__code",)

    @column("status", order="status", colours=LINK_COLOURS)
    def badge(self, link: PlcLink) -> tuple[str, str]:
        return link.status, link.get_status_display()

    @column("last answer", order="last_ok_at")
    def seen(self, link: PlcLink) -> str | None:
        return ago(link.last_ok_at)

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        return rows.filter(plc__in=plcs_of(Plc.objects.all(), actor(request)).values("pk"))
