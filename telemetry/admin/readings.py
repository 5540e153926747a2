"""Pages of readings: the newest of each tag, and those that were kept."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ms5.accounts.audited import actor
from ms5.admin_base import VisibleFilter, column
from production.admin.base import LimitedRecordAdmin
from telemetry.admin.columns import QUALITY_COLOURS, shown
from telemetry.models import Sample, Tag, TagLatest
from telemetry.visibility import tags_of


class ReadingAdmin(LimitedRecordAdmin):
    """A reading with its value, quality, and both times."""

    list_display = ("tag", "reading", "badge", "error", "source_at", "received_at")
    list_filter = (("tag__plc", VisibleFilter), "quality")
    list_select_related = ("tag__plc",)
    search_fields = ("tag__name", "tag__plc__code", "tag__equipment__code")

    @column("value", order="value")
    def reading(self, reading: TagLatest | Sample) -> str | None:
        return shown(reading)

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
