"""Pages of the log, for those who operate it; the plant registers those that lines limit."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from ms5.admin_base import RecordAdmin, VisibleFilter, ago, column
from ms5.events.log import SYS
from ms5.events.models import Event, Gauge, Log


@admin.register(Log)
class LogAdmin(RecordAdmin):
    """The life of the log that positions refer to."""

    list_display = ("epoch", "created_at", "reason")


class StreamAdmin(RecordAdmin):
    """How far each stream has come and how much of it is kept."""

    list_display = ("name", "head", "tail", "kept", "gauge_head")
    search_fields = ("name",)
    ordering = ("name",)

    @column("facts kept")
    def kept(self, stream: Any) -> int:
        return int(stream.head - stream.tail + 1)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).exclude(name=SYS)


class EventAdmin(RecordAdmin):
    """Facts as they went over the wire."""

    list_display = ("recorded_at", "stream", "seq", "type", "equipment_code", "lag")
    list_filter = ("type", ("stream", VisibleFilter))
    list_select_related = ("stream",)
    search_fields = ("equipment_code", "=line_id")
    ordering = ("-recorded_at",)

    @column("written after")
    def lag(self, event: Event) -> str:
        ms = (event.recorded_at - event.occurred_at).total_seconds() * 1000
        return f"{ms:.0f} ms"

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).exclude(stream__name=SYS)


class GaugeAdmin(RecordAdmin):
    """The latest value of each gauge, with its age."""

    list_display = ("key", "stream", "type", "ver", "age")
    list_filter = ("type", ("stream", VisibleFilter))
    list_select_related = ("stream",)
    search_fields = ("key",)
    ordering = ("key",)

    @column("age", order="source_at")
    def age(self, gauge: Gauge) -> str | None:
        return ago(gauge.source_at)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).exclude(stream__name=SYS)
