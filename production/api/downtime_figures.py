"""What downtime adds up to, as JSON: the Pareto and the mean times of a window."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from production.accounting import is_of_line
from production.api.bodies import Query
from production.mean_times import Mean
from production.models import Equipment
from production.pareto import BYS, Row, pareto
from production.reliability import reliable
from production.visibility import limited

LONGEST = timedelta(days=400)
MINUTE = timedelta(minutes=1)


class Asked(Query):
    """Which window, and of what; without a place, of every line that may be seen."""

    to = serializers.DateTimeField(required=False, help_text="Without it, now.")
    line = serializers.CharField(
        required=False, help_text="Code of a line: of what counts for it."
    )
    equipment = serializers.CharField(required=False, help_text="Code of one equipment.")
    area = serializers.CharField(required=False, help_text="Code of an area.")
    site = serializers.CharField(required=False, help_text="Code of a site.")
    by = serializers.ChoiceField(choices=BYS, default="reason", help_text="What to rank.")

    def get_fields(self) -> dict[str, Any]:
        # A word of the language, which a class cannot have as a name.
        start = serializers.DateTimeField(
            required=False, help_text="Without it, a day before `to`."
        )
        return {"from": start, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end: datetime = attrs.get("to") or timezone.now()
        start: datetime = attrs.get("from") or end - timedelta(days=1)
        if not start < end:
            raise serializers.ValidationError({"detail": "`from` must lie before `to`."})
        if end - start > LONGEST:
            raise serializers.ValidationError(
                {"detail": f"A window has at most {LONGEST.days} days."}
            )
        return attrs | {"from": start, "to": end}


_TIMES = [
    OpenApiParameter("from", datetime, description="Begin; without it, a day before the end."),
    OpenApiParameter("to", datetime, description="End; without it, now. At most 400 days."),
]
WINDOW_QUERY = [
    *_TIMES,
    OpenApiParameter("line", str, description="Code of a line: of what counts for it."),
    OpenApiParameter("equipment", str, description="Code of one equipment."),
    OpenApiParameter("area", str, description="Code of an area."),
    OpenApiParameter("site", str, description="Code of a site."),
]
PARETO_QUERY = [*WINDOW_QUERY, OpenApiParameter("by", str, enum=BYS, default="reason")]


class RowSerializer(serializers.Serializer[Any]):
    """What is put down to one thing; `code` null is what nobody has put down to any."""

    code = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    minutes = serializers.FloatField(help_text="Of planned production time that was measured.")
    count = serializers.IntegerField(help_text="Those that began in the window.")
    lost_parts = serializers.FloatField(
        allow_null=True, help_text="Null: some of it has no ideal cycle."
    )
    share = serializers.FloatField(allow_null=True)
    cumulative_share = serializers.FloatField(allow_null=True)


class ParetoSerializer(serializers.Serializer[Any]):
    """Losses longest first, after what is unassigned; planned stops and micro-stops apart."""

    started_at = serializers.DateTimeField()
    to = serializers.DateTimeField()
    by = serializers.CharField()
    rows = RowSerializer(many=True)
    planned = RowSerializer(many=True)
    loss_minutes = serializers.DictField(
        child=serializers.FloatField(),
        help_text="All rows by stop, changeover and planned: the same time as in the OEE.",
    )
    unassigned_minutes = serializers.FloatField()
    small_stops = serializers.IntegerField()
    small_stop_minutes = serializers.FloatField()


class MeanSerializer(serializers.Serializer[Any]):
    """A mean of `count` lengths in minutes; null and `why` where there is none."""

    minutes = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()
    why = serializers.CharField(allow_null=True)


class ReliabilitySerializer(serializers.Serializer[Any]):
    """MTBF is run time per failure; MTTR is three: to respond, to repair (from then), to restore."""

    started_at = serializers.DateTimeField()
    to = serializers.DateTimeField()
    failures = serializers.IntegerField()
    unassigned = serializers.IntegerField(help_text="Stops that nobody has given a reason.")
    run_minutes = serializers.FloatField()
    between_failures = MeanSerializer()
    to_respond = MeanSerializer()
    to_repair = MeanSerializer()
    to_restore = MeanSerializer()


def the_pareto(request: Request) -> dict[str, Any]:
    """Return the Pareto that the request asks for. A place that may not be seen has nothing in it."""
    asked = _asked(request)
    start, end = asked["from"], asked["to"]
    found = pareto(_equipment(request, asked), start, end, timezone.now(), by=asked["by"])
    return dict(
        ParetoSerializer(
            {
                "started_at": start,
                "to": end,
                "by": found.by,
                "rows": [_row(row) for row in found.rows],
                "planned": [_row(row) for row in found.planned],
                "loss_minutes": {
                    loss.value: length / MINUTE for loss, length in found.lengths.items()
                },
                "unassigned_minutes": found.unassigned_minutes,
                "small_stops": found.small_stops,
                "small_stop_minutes": found.small_stop_minutes,
            }
        ).data
    )


def the_reliability(request: Request) -> dict[str, Any]:
    """Return the mean times that the request asks for."""
    asked = _asked(request)
    start, end = asked["from"], asked["to"]
    found = reliable(_equipment(request, asked), start, end, timezone.now())
    means = found.means
    return dict(
        ReliabilitySerializer(
            {
                "started_at": start,
                "to": end,
                "failures": means.failures,
                "unassigned": found.unassigned,
                "run_minutes": means.run / MINUTE,
                "between_failures": _mean(means.between_failures),
                "to_respond": _mean(means.to_respond),
                "to_repair": _mean(means.to_repair),
                "to_restore": _mean(means.to_restore),
            }
        ).data
    )


def _asked(request: Request) -> dict[str, Any]:
    asked = Asked(data=request.query_params)
    asked.is_valid(raise_exception=True)
    found: dict[str, Any] = asked.validated_data
    return found


def _equipment(request: Request, asked: dict[str, Any]) -> list[int]:
    """Return whose stops are meant: of lines, areas and sites those that the lines' figures come from."""
    rows: models.QuerySet[Equipment] = limited(
        Equipment.objects.select_related("line"), request.user, "line"
    )
    paths = {
        "equipment": "code",
        "line": "line__code",
        "area": "line__area__code",
        "site": "line__area__site__code",
    }
    wanted = {path: asked[name] for name, path in paths.items() if name in asked}
    found = rows.filter(**wanted)
    if "equipment" in asked:
        return [each.pk for each in found]
    return [each.pk for each in found if is_of_line(each, each.line.oee_method)]


def _row(row: Row) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "minutes": row.minutes,
        "count": row.count,
        "lost_parts": None if row.lost_parts is None else float(row.lost_parts),
        "share": row.share,
        "cumulative_share": row.cumulative_share,
    }


def _mean(mean: Mean) -> dict[str, Any]:
    minutes = None if mean.length is None else mean.length / MINUTE
    return {"minutes": minutes, "count": mean.count, "why": mean.why}
