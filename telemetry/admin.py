"""Pages of controllers: what is read, whether it answers, what it said last."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from ms5.accounts.audit import record
from ms5.accounts.audited import AuditedInline, actor
from ms5.admin_base import VisibleFilter, ago, column
from production.admin.base import (
    AllLinesToAdd,
    LimitedAdmin,
    LimitedChoices,
    LimitedInline,
    LimitedRecordAdmin,
    PlantAdmin,
)
from telemetry.connection import MOST_AT_ONCE, answers
from telemetry.models import MessageBit, Plc, PlcLink, Sample, Tag, TagLatest
from telemetry.visibility import plcs_of, serves_only_lines_of, tags_of

LINK_COLOURS = {"connected": "success", "lost": "danger"}
QUALITY_COLOURS = {"good": "success", "uncertain": "warning", "bad": "danger"}
KIND_COLOURS = {"fault": "danger", "prompt": "info", "status": "success", "info": "info"}


def _link(plc: Plc) -> PlcLink | None:
    return getattr(plc, "link", None)


def _latest(tag: Tag) -> TagLatest | None:
    return getattr(tag, "latest", None)


def _shown(reading: TagLatest | Sample) -> str | None:
    """Return what was read as text; None when there is nothing to believe."""
    if reading.value is not None:
        unit = reading.tag.unit
        return f"{reading.value:g} {unit}".strip()
    return reading.text or None


class TagColumns:
    """Columns with what a tag said last."""

    @column("latest value")
    def latest_value(self, tag: Tag) -> str | None:
        latest = _latest(tag)
        return _shown(latest) if latest else None

    @column("quality", order="latest__quality", colours=QUALITY_COLOURS)
    def latest_quality(self, tag: Tag) -> tuple[str, str]:
        latest = _latest(tag)
        return (latest.quality, latest.quality) if latest else ("none", "never read")

    @column("error")
    def latest_error(self, tag: Tag) -> str | None:
        latest = _latest(tag)
        return (latest.error or None) if latest else None

    @column("read", order="latest__source_at")
    def latest_at(self, tag: Tag) -> str | None:
        latest = _latest(tag)
        return ago(latest.source_at) if latest else None


class TagInline(TagColumns, LimitedInline):
    """The tags of a controller with what they said last; the rest of a tag is on its own page."""

    model = Tag
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


@admin.register(Plc)
class PlcAdmin(AllLinesToAdd, PlantAdmin):
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
    readonly_fields = ("status", "since", "seen", "tried", "failures", "last_error")
    inlines = (TagInline,)
    actions = ("test_connection",)
    fieldsets = (
        (None, {"fields": ("code", "name", "enabled")}),
        (
            "Where it is",
            {
                "fields": ("protocol", "host", "port", "path"),
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
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return plcs_of(super().get_queryset(request), actor(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or serves_only_lines_of(obj, actor(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or serves_only_lines_of(obj, actor(request)))

    @column("address", order="host")
    def address(self, plc: Plc) -> str:
        return f"{plc.host}:{plc.port}"

    @column("link", order="link__status", colours=LINK_COLOURS)
    def status(self, plc: Plc) -> tuple[str, str]:
        link = _link(plc)
        if not plc.enabled:
            return "disabled", "disabled"
        return (link.status, link.get_status_display()) if link else ("none", "never polled")

    @column("for", order="link__since")
    def since(self, plc: Plc) -> str | None:
        link = _link(plc)
        age = ago(link.since) if link else None
        return age.removesuffix(" ago") if age else None

    @column("last answer", order="link__last_ok_at")
    def seen(self, plc: Plc) -> str | None:
        link = _link(plc)
        return ago(link.last_ok_at) if link else None

    @column("last try")
    def tried(self, plc: Plc) -> str | None:
        link = _link(plc)
        return ago(link.last_try_at) if link else None

    @column("polls failed in a row")
    def failures(self, plc: Plc) -> int | None:
        link = _link(plc)
        return link.failures if link else None

    @column("last error")
    def last_error(self, plc: Plc) -> str | None:
        link = _link(plc)
        return (link.error or None) if link else None

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


class BitInline(LimitedChoices, AuditedInline):
    """What the bits of a message array mean."""

    model = MessageBit
    line_code_path = "tag.equipment.line.code"
    fields = ("bit", "text", "kind", "severity", "source", "reason_code")


@admin.register(Tag)
class TagAdmin(TagColumns, LimitedAdmin):
    """Tags: what is read, what it says about an equipment, and what it said last."""

    within = "equipment__line"
    line_code_path = "equipment.line.code"
    list_display = (
        "name",
        "plc",
        "latest_value",
        "latest_quality",
        "latest_error",
        "latest_at",
        "address",
        "data_type",
        "equipment",
        "role",
        "enabled",
    )
    list_filter = (
        ("plc", VisibleFilter),
        ("equipment__line", VisibleFilter),
        "role",
        "data_type",
        "latest__quality",
        "enabled",
    )
    list_select_related = ("plc", "equipment", "latest")
    search_fields = ("name", "address", "plc__code", "plc__name", "equipment__code")
    autocomplete_fields = ("plc", "equipment")
    readonly_fields = ("latest_value", "latest_quality", "latest_error", "latest_at")
    inlines = (BitInline,)
    fieldsets = (
        (None, {"fields": ("plc", "name", "address", "data_type", "length", "enabled")}),
        (
            "Latest reading",
            {"fields": ("latest_value", "latest_quality", "latest_error", "latest_at")},
        ),
        ("What it says", {"fields": ("equipment", "role", "state_map")}),
        (
            "Number",
            {
                "fields": ("scale", "offset", "unit", "byte_order", "device_id"),
                "description": "Engineering value = raw x scale + offset.",
            },
        ),
        ("Counter", {"fields": ("modulus", "max_per_minute", "count_after_reset")}),
        (
            "What is stored",
            {
                "fields": ("deadband", "longest_interval_s"),
                "description": "A sample is stored when the value moves beyond the deadband, when its"
                " quality changes, or when the interval is over.",
            },
        ),
    )

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        return tags_of(rows, actor(request))


@admin.register(MessageBit)
class MessageBitAdmin(LimitedAdmin):
    """Message bits: any bit is not a fault."""

    within = "tag__equipment__line"
    line_code_path = "tag.equipment.line.code"
    list_display = ("tag", "bit", "text", "kind_badge", "severity", "source", "reason_code")
    list_filter = (("tag__plc", VisibleFilter), "kind", "severity", "source")
    list_select_related = ("tag__plc",)
    search_fields = ("text", "reason_code", "tag__name", "tag__plc__code")
    autocomplete_fields = ("tag",)

    @column("kind", order="kind", colours=KIND_COLOURS)
    def kind_badge(self, bit: MessageBit) -> tuple[str, str]:
        return bit.kind, bit.get_kind_display()

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        return rows.filter(tag__in=tags_of(Tag.objects.all(), actor(request)).values("pk"))


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


class ReadingAdmin(LimitedRecordAdmin):
    """A reading with its value, quality, and both times."""

    list_display = ("tag", "reading", "badge", "error", "source_at", "received_at")
    list_filter = (("tag__plc", VisibleFilter), "quality")
    list_select_related = ("tag__plc",)
    search_fields = ("tag__name", "tag__plc__code", "tag__equipment__code")

    @column("value", order="value")
    def reading(self, reading: TagLatest | Sample) -> str | None:
        return _shown(reading)

    @column("quality", order="quality", colours=QUALITY_COLOURS)
    def badge(self, reading: TagLatest | Sample) -> tuple[str, str]:
        return reading.quality, reading.quality

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        if actor(request).all_lines:
            return rows
        return rows.filter(tag__in=tags_of(Tag.objects.all(), actor(request)).values("pk"))


@admin.register(TagLatest)
class TagLatestAdmin(ReadingAdmin):
    """The newest reading of each tag."""

    ordering = ("tag__plc__code", "tag__name")


@admin.register(Sample)
class SampleAdmin(ReadingAdmin):
    """Readings that were kept."""

    # The table is long and has no index by time alone; rows are written in its order.
    ordering = ("-pk",)
