"""The course of a tag over HTTP: bounded in time and points, with its gaps."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ms5.database import reading
from production.api.bodies import Query
from telemetry.models import Sample, Tag
from telemetry.trends import EARLIEST, LONGEST, MOST_POINTS, BadSpan, trend
from telemetry.visibility import tags_of


class TrendQuery(Query):
    """Which tag, over which time (default: the last hour), in at most how many points."""

    tag = serializers.IntegerField(min_value=1, max_value=2**62)
    to = serializers.DateTimeField(required=False, help_text="Default: now.")
    points = serializers.IntegerField(min_value=3, max_value=MOST_POINTS, default=500)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of the language.
        told = f"Default: an hour before `to`; at most {LONGEST.days} days before it."
        start = serializers.DateTimeField(required=False, help_text=told)
        return {**super().get_fields(), "from": start}


class TrendPointSerializer(serializers.Serializer[Any]):
    """What the tag read from `at` to `until`; without numbers nothing was known."""

    at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    least = serializers.FloatField(allow_null=True)
    most = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True, help_text="Weighted by time.")
    last = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField(help_text="Samples in it.")
    quality = serializers.CharField(help_text="The worst in it.")


class TrendSerializer(serializers.Serializer[Any]):
    """Points in their order, without overlap; what lies between two of them is a gap."""

    tag = serializers.IntegerField()
    name = serializers.CharField()
    unit = serializers.CharField()
    to = serializers.DateTimeField()
    points = TrendPointSerializer(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # Words of the language, and of the framework.
        told = "Samples as they were kept, or their minutes."
        source = serializers.ChoiceField(choices=["raw", "minutes"], help_text=told)
        start = serializers.DateTimeField()
        return {**super().get_fields(), "from": start, "source": source}


class TrendView(GenericViewSet[Sample]):
    """The course of one tag: its samples over a short time, their minutes over a long one."""

    queryset = Sample.objects.all()
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[TrendQuery], responses=TrendSerializer)
    def list(self, request: Request) -> Response:
        """Return at most so many points; values hold from point to point, and gaps are gaps."""
        asked = TrendQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, timezone.now()
        end = given.get("to", now)
        start = given.get("from") or max(end, EARLIEST) - timedelta(hours=1)
        with reading():
            mine = tags_of(Tag.objects.select_related("plc"), request.user)
            tag = mine.filter(pk=given["tag"]).first()
            if tag is None:
                raise NotFound("There is no such tag.")
            try:
                found = trend(tag, start, end, given["points"], now)
            except BadSpan as bad:
                raise ValidationError({"from": [str(bad)]}) from bad
        return Response(
            {
                "tag": tag.pk,
                "name": tag.name,
                "unit": tag.unit,
                "from": start,
                "to": end,
                "source": found.source,
                "points": [asdict(point) for point in found.points],
            }
        )
