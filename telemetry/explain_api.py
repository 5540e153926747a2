"""Endpoint that explains an OEE figure: its formula, seconds, spans, increments, readings and ideal cycles."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from ms5.database import reading
from production.api.oee import ScopeQuery, scope_of
from production.api.serializers import CountSerializer, SpanSerializer
from production.explain import Explanation, Made, Rest
from production.groups import Scope
from production.models import TimeTally
from production.oee import Account, Bucket, Leaf
from production.public.oee import number, seconds_of
from production.ratios import Figures
from production.summed import Part, Sum
from production.timeline import Stretch
from telemetry.api import SampleSerializer
from telemetry.explained import Explained, Readings, explained

MOST_PAGES = 10_000


class ExplainQuery(ScopeQuery):
    """Whose figure is to be explained; without times that of the last hour."""

    page = serializers.IntegerField(
        required=False,
        default=1,
        min_value=1,
        max_value=MOST_PAGES,
        help_text="Of the leaves, the longest first, or of the parts of a sum.",
    )
    at = serializers.DateTimeField(
        required=False, help_text="A moment of the stretch whose readings are to be told."
    )
    after = serializers.DateTimeField(
        required=False, help_text="Where the readings go on: `more_after` of the answer before."
    )


class ExplainView(GenericViewSet[TimeTally]):
    """Where an OEE figure comes from."""

    queryset = TimeTally.objects.all()
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[ExplainQuery], responses=dict)
    def list(self, request: Request) -> Response:
        """Return formula and seconds, and the rows that they add up from.

        Of an equipment, and of a line by its constraint, these are stretches with their spans and downtimes,
        pieces with the version of their ideal cycle, increments and readings. A line whose method is `sum`,
        an area and a site are told by their parts, each of which is explained on its own. What a page does
        not show is in `rest`, by bucket.
        """
        asked = ExplainQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        now = timezone.now()
        end = given.get("to", now)
        start = given.get("from", end - timedelta(hours=1))
        with reading():
            scope = scope_of(request, given)
            told = explained(
                scope,
                start,
                end,
                now,
                at=given.get("at"),
                after=given.get("after"),
                page=given["page"],
            )
            return Response(_of_sum(scope, told) if isinstance(told, Sum) else _of_rows(told))


def _of_rows(told: Explained) -> dict[str, Any]:
    found = told.found
    line = told.equipment.line
    spans = {
        row["id"]: row for row in SpanSerializer(list(told.spans.values()), many=True).data
    }
    return {
        "line": line.code,
        "equipment": told.equipment.code,
        "method": line.oee_method,
        **_figures(found, found.account, found.figures),
        "leaves": [_leaf(told, leaf, spans) for leaf in found.leaves],
        "rest": _rest(found.rest),
        "pages": found.pages,
        "pieces": [_made(told, row) for row in found.made],
        "readings": _readings(told.readings),
    }


def _of_sum(scope: Scope, told: Sum) -> dict[str, Any]:
    line = scope.lines[0] if len(scope.lines) == 1 else None
    return {
        "line": line.code if line else None,
        "equipment": None,
        "method": line.oee_method if line else "sum",
        **_figures(told, told.account, told.figures),
        "parts": [_part(part) for part in told.parts],
        "rest": _rest(told.rest),
        "pages": told.pages,
    }


def _figures(told: Explanation | Sum, account: Account, said: Figures) -> dict[str, Any]:
    return {
        "started_at": told.started_at,
        "ended_at": told.ended_at,
        "formula": dict(told.formula),
        **_sums(account, said),
    }


def _sums(account: Account, said: Figures) -> dict[str, Any]:
    return {
        "oee": number(said.oee),
        "availability": number(said.availability),
        "performance": number(said.performance),
        "quality": number(said.quality),
        "why": said.why,
        "waterfall": msgspec.to_builtins(seconds_of(said)),
        "seconds": _seconds(account.time),
        "good_s": number(account.output.good_s),
        "total_s": number(account.output.total_s),
        "stops": account.stops,
        "small_stops": account.small_stops,
        "slow_cycles": account.slow_cycles,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "line": part.line.code,
        "equipment": part.equipment.code if part.equipment else None,
        **_sums(part.account, part.figures),
    }


def _leaf(
    told: Explained, leaf: Stretch[Leaf], spans: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    what = leaf.what
    downtime = told.downtimes.get(what.downtime or 0)
    return {
        "started_at": leaf.started_at,
        "ended_at": leaf.ended_at,
        "seconds": leaf.length.total_seconds(),
        **asdict(what),
        "span_row": spans.get(what.span or 0),
        "reason": downtime.reason.code if downtime and downtime.reason else None,
    }


def _made(told: Explained, row: Made) -> dict[str, Any]:
    cycle = told.cycles.get(row.ideal_cycle or 0)
    return {
        "kind": row.kind,
        "counters": row.counters,
        "product": row.product.code if row.product else None,
        "ideal_cycle": row.ideal_cycle,
        "seconds_each": number(row.seconds_each),
        "effective_from": cycle.effective_from if cycle else None,
        "measured": row.measured,
        "pieces": row.pieces,
        "good": row.good,
        "total": row.total,
        "good_s": number(row.good_s),
        "total_s": number(row.total_s),
    }


def _readings(told: Readings) -> dict[str, Any]:
    return {
        "started_at": told.started_at,
        "ended_at": told.ended_at,
        "counts": CountSerializer(told.counts, many=True).data,
        "samples": SampleSerializer(told.samples, many=True).data,
        "more_after": told.more_after,
    }


def _rest(rest: Rest) -> dict[str, Any]:
    return {"leaves": rest.leaves, "seconds": _seconds(rest.time)}


def _seconds(time: Mapping[Bucket, timedelta]) -> dict[str, float]:
    return {bucket.value: length.total_seconds() for bucket, length in time.items()}


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (("oee/explain", ExplainView),)
