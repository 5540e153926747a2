"""Questions about calls: who would be told of one, and how those that were raised were answered."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from andon import clock
from andon.analytics import BYS, Group, analysis
from andon.choices import Category, Priority
from andon.forecast import forecast
from andon.models import AndonCall, Policy
from andon.response import Answering
from andon.usual import usual_priority
from ms5.database import reading
from production.api.bodies import Query
from production.api.oee import WindowQuery
from production.models import Line

WEEK = timedelta(days=7)


class ToldQuery(Query):
    """What kind of call, where and when."""

    line = serializers.CharField(max_length=64, help_text="Code of the line.")
    category = serializers.ChoiceField(choices=Category.choices)
    priority = serializers.ChoiceField(
        choices=Priority.choices,
        required=False,
        help_text="Left out: what is usual for the category.",
    )
    at = serializers.DateTimeField(
        required=False, help_text="When it is raised; left out: now."
    )


class ForetoldSerializer(serializers.Serializer[Any]):
    """What happens at a moment if nobody reacts. `people` empty: it reaches nobody."""

    at = serializers.DateTimeField()
    after_s = serializers.IntegerField(help_text="Seconds after the call was raised.")
    kind = serializers.CharField()
    level = serializers.IntegerField()
    recipients = serializers.ListField(child=serializers.CharField())
    people = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.CharField())


class ForecastSerializer(serializers.Serializer[Any]):
    """Who would be told, by the policy and the roster as they are now."""

    line = serializers.CharField(source="line.code")
    category = serializers.CharField()
    priority = serializers.CharField()
    at = serializers.DateTimeField()
    policy = serializers.CharField(source="ladder.name")
    acknowledge_within_s = serializers.IntegerField(source="ladder.acknowledge_within_s")
    resolve_within_s = serializers.IntegerField(source="ladder.resolve_within_s")
    rows = ForetoldSerializer(many=True)


class WhoWouldBeTold(GenericViewSet[Policy]):
    """Who would be told of a call if nobody reacts."""

    queryset = Policy.objects.all()
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[ToldQuery], responses=ForecastSerializer)
    def list(self, request: Request) -> Response:
        """Return whom each level and reminder would tell, up to the second reminder of the last level."""
        asked = ToldQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        lines = _lines(request, given["line"])
        found = forecast(
            lines[0],
            given["category"],
            given.get("priority") or usual_priority(given["category"]),
            given.get("at") or clock.now(),
        )
        return Response(ForecastSerializer(found).data)


class AnalyticsQuery(WindowQuery):
    """Which calls (default: those of the last seven days), and one row for each what."""

    line = serializers.CharField(max_length=64, required=False, help_text="Code of the line.")
    by = serializers.ChoiceField(choices=[*BYS], required=False)


class StepTimesSerializer(serializers.Serializer[Any]):
    """How long a step took, in seconds since the call was raised; null where it was never taken."""

    taken = serializers.IntegerField()
    never = serializers.IntegerField(help_text="Calls that ended without it.")
    pending = serializers.IntegerField(help_text="Open calls that may still see it.")
    median_s = serializers.FloatField(allow_null=True)
    p90_s = serializers.FloatField(allow_null=True)


class AnsweringSerializer(serializers.Serializer[Any]):
    """How some calls were answered."""

    calls = serializers.IntegerField()
    acknowledge = StepTimesSerializer()
    arrive = StepTimesSerializer()
    resolve = StepTimesSerializer()


class GroupSerializer(AnsweringSerializer):
    """The calls that share a word."""

    key = serializers.CharField(help_text="Empty: outside of shifts.")
    name = serializers.CharField()


class FloodSerializer(serializers.Serializer[Any]):
    """A stretch in which more than ten calls came within ten minutes."""

    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    calls = serializers.IntegerField()


class OffenderSerializer(serializers.Serializer[Any]):
    """What calls for the same again and again."""

    line = serializers.CharField()
    line_name = serializers.CharField()
    equipment = serializers.CharField(allow_null=True, help_text="Null: the line as a whole.")
    category = serializers.CharField()
    calls = serializers.IntegerField()
    occurrences = serializers.IntegerField()
    open_s = serializers.FloatField()


class AnalysisSerializer(serializers.Serializer[Any]):
    """How the calls of a time were answered."""

    by = serializers.CharField()
    whole = AnsweringSerializer()
    groups = GroupSerializer(many=True)
    floods = FloodSerializer(many=True)
    offenders = OffenderSerializer(many=True)


class Analytics(GenericViewSet[AndonCall]):
    """How calls were answered."""

    queryset = AndonCall.objects.all()
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[AnalyticsQuery], responses=AnalysisSerializer)
    def list(self, request: Request) -> Response:
        """Return times to acknowledge, arrive and resolve, floods, and what calls again and again."""
        asked = AnalyticsQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        now = timezone.now()
        end = given.get("to", now)
        by = given.get("by", "category")
        with reading():
            lines = _lines(request, given.get("line"))
            found = analysis(lines, given.get("from", end - WEEK), end, now, by)
        body = {
            "by": by,
            "whole": asdict(found.whole),
            "groups": [_row(group) for group in found.groups],
            "floods": [asdict(flood) for flood in found.floods],
            "offenders": [asdict(each) for each in found.offenders],
        }
        return Response(AnalysisSerializer(body).data)


def _row(group: Group) -> dict[str, Any]:
    answered: Answering = group.answering
    return {"key": group.key, "name": group.name, **asdict(answered)}


def _lines(request: Request, code: str | None) -> list[Line]:
    """Return the lines that were asked for, as far as the user sees them. Raises NotFound."""
    lines: QuerySet[Line] = Line.objects.visible_to(request.user).select_related("area__site")
    if code is None:
        return list(lines)
    found = list(lines.filter(code=code))
    if not found:
        raise NotFound("There is no such line.")
    return found


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("andon/who-would-be-told", WhoWouldBeTold),
    ("andon/analytics", Analytics),
)
