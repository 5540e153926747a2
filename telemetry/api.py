"""Controllers, tags and their readings over HTTP, to read."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from production.api.base import CODE_IN_URL, FilterSet, LineLimited, moment
from telemetry.choices import QUALITIES, LinkStatus, Role
from telemetry.models import MessageBit, Plc, PlcLink, Sample, Tag, TagLatest
from telemetry.trend_api import TrendView
from telemetry.visibility import plcs_of, tags_of

_READING = ("value", "text", "quality", "error", "source_at", "received_at")


def _code() -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(slug_field="code", read_only=True)


class LinkSerializer(ModelSerializer[PlcLink]):
    """Whether a controller answers."""

    class Meta:
        model = PlcLink
        fields = (
            "status",
            "since",
            "last_ok_at",
            "last_try_at",
            "failures",
            "error",
            "program",
            "load",
        )


class PlcSerializer(ModelSerializer[Plc]):
    """A controller and its link."""

    link = LinkSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Plc
        fields = (
            "code",
            "name",
            "protocol",
            "host",
            "port",
            "path",
            "serial",
            "poll_period_s",
            "timeout_s",
            "max_gap",
            "max_block",
            "pause_ms",
            "max_requests_per_s",
            "max_bytes_per_s",
            "shard",
            "enabled",
            "link",
        )


class LatestSerializer(ModelSerializer[TagLatest]):
    """The newest reading of a tag."""

    class Meta:
        model = TagLatest
        fields = _READING


class TagSerializer(ModelSerializer[Tag]):
    """A tag and its newest reading."""

    plc = _code()
    equipment = _code()
    latest = LatestSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Tag
        fields = (
            "id",
            "plc",
            "name",
            "description",
            "address",
            "data_type",
            "length",
            "byte_order",
            "device_id",
            "equipment",
            "role",
            "scale",
            "offset",
            "unit",
            "state_map",
            "numbering",
            "modulus",
            "max_per_minute",
            "count_after_reset",
            "deadband",
            "deadband_kind",
            "longest_interval_s",
            "period_s",
            "phase_s",
            "enabled",
            "latest",
        )


class MessageBitSerializer(ModelSerializer[MessageBit]):
    """What a bit means."""

    class Meta:
        model = MessageBit
        fields = ("id", "tag", "bit", "text", "kind", "severity", "source", "reason_code")


class SampleSerializer(ModelSerializer[Sample]):
    """A reading that was kept."""

    class Meta:
        model = Sample
        fields = ("id", "tag", *_READING)


class PlcFilter(FilterSet):
    """Controllers by their link."""

    enabled = filters.BooleanFilter()
    status = filters.ChoiceFilter(field_name="link__status", choices=LinkStatus.choices)


class TagFilter(FilterSet):
    """Tags of a controller, a line, an equipment or a role."""

    plc = filters.CharFilter(field_name="plc__code", label="Code of the controller.")
    line = filters.CharFilter(field_name="equipment__line__code", label="Code of the line.")
    equipment = filters.CharFilter(field_name="equipment__code", label="Code of the equipment.")
    role = filters.ChoiceFilter(choices=Role.choices)
    quality = filters.ChoiceFilter(field_name="latest__quality", choices=QUALITIES)
    enabled = filters.BooleanFilter()


class MessageBitFilter(FilterSet):
    """Bits of a tag or a kind."""

    tag = filters.NumberFilter(field_name="tag_id", label="Id of the tag.")
    kind = filters.CharFilter()


class SampleFilter(FilterSet):
    """The tag must be said: the samples of all tags together are a table nobody can page through."""

    tag = filters.NumberFilter(field_name="tag_id", required=True, label="Id of the tag.")
    quality = filters.ChoiceFilter(choices=QUALITIES)
    after = moment("source_at", "gte", "At or after this time.")
    before = moment("source_at", "lt", "Before this time.")


class Plcs(LineLimited[Plc]):
    """Controllers that serve a line you may see, each with its link; null if it was never polled."""

    queryset = Plc.objects.select_related("link")
    serializer_class = PlcSerializer
    filterset_class = PlcFilter
    search_fields = ("code", "name", "host")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL

    def visible(self, rows: "models.QuerySet[Plc]") -> "models.QuerySet[Plc]":
        return plcs_of(rows, self.request.user)


class Tags(LineLimited[Tag]):
    """Tags with their latest reading; null if there was none."""

    queryset = Tag.objects.select_related("plc", "equipment", "latest")
    serializer_class = TagSerializer
    filterset_class = TagFilter
    search_fields = ("name", "address")

    def visible(self, rows: "models.QuerySet[Tag]") -> "models.QuerySet[Tag]":
        return tags_of(rows, self.request.user)


class MessageBits(LineLimited[MessageBit]):
    """What the bits of message arrays mean."""

    queryset = MessageBit.objects.all()
    serializer_class = MessageBitSerializer
    filterset_class = MessageBitFilter
    search_fields = ("text",)

    def visible(self, rows: "models.QuerySet[MessageBit]") -> "models.QuerySet[MessageBit]":
        return rows.filter(tag__in=tags_of(Tag.objects.all(), self.request.user).values("pk"))


class Samples(ListModelMixin, GenericViewSet[Sample]):
    """The readings of one tag (`?tag=`) that were kept, newest first."""

    queryset = Sample.objects.all()
    serializer_class = SampleSerializer
    filterset_class = SampleFilter

    def get_queryset(self) -> "models.QuerySet[Sample]":
        mine = tags_of(Tag.objects.all(), self.request.user).values("pk")
        return super().get_queryset().filter(tag__in=mine)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("plcs", Plcs),
    ("tags", Tags),
    ("message-bits", MessageBits),
    ("samples", Samples),
    ("trends", TrendView),
)
