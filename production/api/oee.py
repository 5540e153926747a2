"""Endpoints of OEE: figures over any window, and the settled time behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import msgspec
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from ms5.database import reading
from ms5.events import facts
from production.api.base import ByEquipment, LineLimited, moment
from production.api.bodies import Query
from production.groups import Group, Scope, TooMany, groups, totals
from production.iso import iso_of
from production.made import products_without
from production.making import named
from production.models import Equipment, Line, TimeTally
from production.oee import Account
from production.public.oee import number, oee_of
from production.ratios import figures

LONGEST = timedelta(days=400)


class WindowQuery(Query):
    """A half-open window, at most 400 days long."""

    to = serializers.DateTimeField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of the language.
        return {**super().get_fields(), "from": serializers.DateTimeField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs.get("from"), attrs.get("to")
        if end is not None and start is None:
            raise serializers.ValidationError({"from": "`to` needs a `from`."})
        if start is not None:
            length = (end or timezone.now()) - start
            if not timedelta() < length <= LONGEST:
                raise serializers.ValidationError(
                    {"from": f"It must be before `to`, by up to {LONGEST.days} days."}
                )
        return attrs


class ScopeQuery(WindowQuery):
    """Whose figures, over which time."""

    line = serializers.CharField(max_length=64, required=False)
    equipment = serializers.CharField(max_length=64, required=False)
    area = serializers.CharField(max_length=64, required=False, help_text="Code of the area.")
    site = serializers.CharField(max_length=64, required=False, help_text="Code of the site.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named_ = {"line", "equipment", "area", "site"} & attrs.keys()
        # An area's code is unique in its site only.
        if not named_ or len(named_ - {"site"}) > 1:
            raise serializers.ValidationError(
                "Name one of line, equipment, area or site (an area may have its site beside it)."
            )
        return super().validate(attrs)


class OeeQuery(ScopeQuery):
    """Whose figures, over which time (default: the present shift), and one row for each what."""

    by = serializers.ChoiceField(
        choices=["shift", "hour", "day", "job", "product", "equipment"], required=False
    )


class OeeView(GenericViewSet[TimeTally]):
    """OEE with the seconds behind it, over any window."""

    queryset = TimeTally.objects.all()
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[OeeQuery], responses=dict)
    def list(self, request: Request) -> Response:
        """Return a row of figures for each shift, hour, day, job, product or equipment; or one for all."""
        asked = OeeQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        now = timezone.now()
        with reading():
            scope = scope_of(request, given)
            try:
                found = groups(scope, given.get("by"), given.get("from"), given.get("to"), now)
            except TooMany as refused:
                raise ValidationError({"by": [f"{refused}."]}) from refused
            rows = totals(scope, found, now)
            names = {
                pk: product.name
                for pk, product in named(
                    products_without(account for _, account, _ in rows)
                ).items()
            }
        results = [
            _row(scope, group, account, is_stop=is_stop, names=names)
            for group, account, is_stop in rows
        ]
        return Response({"count": len(results), "results": results})


class TimeTallySerializer(serializers.ModelSerializer[TimeTally]):
    """Microseconds of a settled quarter of an hour by bucket, and the stops that began in it."""

    equipment = serializers.SlugRelatedField[Equipment](slug_field="code", read_only=True)

    class Meta:
        model = TimeTally
        fields = (
            "id",
            "equipment",
            "started_at",
            "not_scheduled_us",
            "planned_us",
            "no_data_us",
            "failure_us",
            "adjustment_us",
            "idling_us",
            "changeover_us",
            "small_stop_us",
            "running_us",
            "small_stops",
            "stops",
            "slow_cycles",
            "slow_us",
        )


class TimeTallyFilter(ByEquipment):
    """Quarters that begin in the half-open window."""

    after = moment("started_at", "gte", "Quarters that begin at or after this time.")
    before = moment("started_at", "lt", "Quarters that begin before this time.")


class TimeTallies(LineLimited[TimeTally]):
    """Where the time of settled quarters of an hour went, newest first."""

    queryset = TimeTally.objects.select_related("equipment")
    serializer_class = TimeTallySerializer
    filterset_class = TimeTallyFilter
    within = "equipment__line"


def scope_of(request: Request, given: Mapping[str, Any]) -> Scope:
    """Return what was named, as far as the user sees it; what they do not see is not there."""
    equipment = Equipment.objects.visible_to(request.user).in_flow_order()
    if "equipment" in given:
        own = list(equipment.filter(code=given["equipment"]).select_related("line"))
        if not own:
            raise NotFound("There is no such equipment.")
        return Scope(lines=[own[0].line], equipment=own, is_equipment=True)
    wanted = Q()
    for name, path in (("line", "code"), ("area", "area__code"), ("site", "area__site__code")):
        if name in given:
            wanted &= Q(**{path: given[name]})
    lines = list(Line.objects.visible_to(request.user).filter(wanted))
    if not lines:
        raise NotFound("There is no such line, or no line there.")
    return Scope(lines=lines, equipment=list(equipment.filter(line__in=lines)))


def _row(
    scope: Scope, group: Group, account: Account, *, is_stop: bool, names: dict[int, str]
) -> dict[str, Any]:
    of = group.of or (scope.equipment[0] if scope.is_equipment else None)
    line = group.line or (scope.lines[0] if len(scope.lines) == 1 else None)
    said = oee_of(
        account,
        scope="equipment" if of else "line",
        method=line.oee_method if line else "sum",
        no_data_is_stop=is_stop,
        names=names,
        window=facts.Window(started_at=group.window.started_at, to=group.window.ended_at),
        shift=group.label if group.job is None and group.product is None else None,
        product=group.product,
    )
    return {
        "line": line.code if line else None,
        "equipment": of.code if of else None,
        "label": group.label,
        "job": group.job,
        "iso": _iso(group, account, is_stop=is_stop),
        **msgspec.to_builtins(said),
    }


def _iso(group: Group, account: Account, *, is_stop: bool) -> dict[str, float | None]:
    """Return the figures by the names of ISO 22400-2."""
    found = iso_of(
        account,
        figures(account, no_data_is_stop=is_stop),
        no_data_is_stop=is_stop,
        order=group.order,
    )
    return {name: number(value) for name, value in asdict(found).items()}


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("oee", OeeView),
    ("time-tallies", TimeTallies),
)
