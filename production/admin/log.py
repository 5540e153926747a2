"""Streams, facts and gauges of the lines that whoever looks may see, and of the plant."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from ms5.accounts.audited import actor
from ms5.events.admin import EventAdmin, GaugeAdmin, StreamAdmin
from ms5.events.log import PLANT
from ms5.events.models import Event, Gauge, Stream
from production.admin.base import Page
from production.visibility import codes_visible_to


class OfVisibleStreams(Page):
    """Mix-in: a line's stream has the line's code for a name; `named` is the query path to it."""

    named: ClassVar[str] = "stream__name"

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        if actor(request).all_lines:
            return rows
        return rows.filter(**{f"{self.named}__in": [PLANT, *codes_visible_to(actor(request))]})


@admin.register(Stream)
class PlantStreamAdmin(OfVisibleStreams, StreamAdmin):
    """Streams of visible lines."""

    named = "name"


@admin.register(Event)
class PlantEventAdmin(OfVisibleStreams, EventAdmin):
    """Facts of visible lines."""


@admin.register(Gauge)
class PlantGaugeAdmin(OfVisibleStreams, GaugeAdmin):
    """Gauges of visible lines."""
