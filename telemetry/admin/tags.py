"""Pages of tags and message bits: what is read, and what it says about an equipment."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import JSONField, QuerySet
from django.http import HttpRequest

from ms5.accounts.audit import record
from ms5.accounts.audited import AuditedInline, actor
from ms5.admin_base import VisibleFilter, column
from production.admin.base import LimitedAdmin, LimitedChoices
from telemetry.admin.columns import KIND_COLOURS, TagColumns
from telemetry.admin.deleting import DeletedWithReadings
from telemetry.admin.state_maps import StateMapField
from telemetry.models import MessageBit, Tag
from telemetry.probing import probed, shown
from telemetry.visibility import serves_only_lines_of, tags_of

MOST_TESTED = 5
"""More would keep a person, and a thread of the web server, waiting too long."""


class BitInline(LimitedChoices, AuditedInline):
    """What the bits of a message array mean."""

    model = MessageBit
    line_code_path = "tag.equipment.line.code"
    fields = ("bit", "text", "kind", "severity", "source", "reason_code")


@admin.register(Tag)
class TagAdmin(DeletedWithReadings, TagColumns, LimitedAdmin):
    """Tags: what is read, what it says about an equipment, and what it said last."""

    within = "equipment__line"
    line_code_path = "equipment.line.code"
    formfield_overrides: ClassVar = {JSONField: {"form_class": StateMapField}}
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
    actions = ("test_tags",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "plc",
                    "name",
                    "description",
                    "address",
                    "data_type",
                    "length",
                    "enabled",
                )
            },
        ),
        (
            "Latest reading",
            {"fields": ("latest_value", "latest_quality", "latest_error", "latest_at")},
        ),
        ("When it is read", {"fields": ("period_s", "phase_s")}),
        ("What it says", {"fields": ("equipment", "role", "numbering", "state_map")}),
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
                "fields": ("deadband", "deadband_kind", "longest_interval_s"),
                "description": "A sample is stored when the value moves beyond the deadband, when its"
                " quality changes, or when the interval is over.",
            },
        ),
    )

    def visible(self, rows: Any, request: HttpRequest) -> Any:
        return tags_of(rows, actor(request))

    @admin.action(description="Test: read once, in every way", permissions=["change"])
    def test_tags(self, request: HttpRequest, chosen: "QuerySet[Tag]") -> None:
        """Show what each address reads now; of a controller that did not answer only that it failed."""
        tags = list(chosen.select_related("plc")[: MOST_TESTED + 1])
        if len(tags) > MOST_TESTED:
            messages.error(request, f"Choose at most {MOST_TESTED} tags at once.")
            return
        for tag in tags:
            if not serves_only_lines_of(tag.plc, actor(request)):
                messages.error(request, f"{tag.plc.code} serves lines that are not yours.")
                continue
            record(actor(request), "tag.test", tag)
            found = shown(probed(tag.plc.endpoint, tag.spec))
            if not found:
                messages.error(request, f"{tag.name}: failed.")
            for address, kind, value, quality in found:
                messages.info(
                    request, f"{tag.name} at {address} as {kind}: {value} ({quality})"
                )


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
