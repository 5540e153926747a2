"""Endpoints of the calendar: shifts with their breaks, the days that differ, and what both come to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeVar, cast
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError as Invalid
from django.db import models
from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from ms5.accounts.models import User
from production.actions.calendar import drop, keep_exception, keep_shift
from production.api.acting import IDEMPOTENCY_KEY, MayAct, act, actor_of
from production.api.base import ByLine, LineLimited
from production.api.bodies import Body, Query
from production.calendars import calendar_of
from production.choices import ExceptionKind
from production.models import Break, CalendarException, Line, Shift, Site
from production.oee import Plan
from production.refusals import NotAllowed
from production.shifts import plan, shift_times

Row = TypeVar("Row", Shift, CalendarException)
LONGEST = timedelta(days=400)


class BreakSerializer(Body, serializers.ModelSerializer[Break]):
    """A break by the wall clock."""

    class Meta:
        model = Break
        fields = ("name", "starts", "ends")


class _OfASite(Body, serializers.ModelSerializer[Any]):
    """What belongs to a site or to one of its lines, both by their codes; the action validates."""

    site = serializers.SlugRelatedField(slug_field="code", queryset=Site.objects.all())
    line = serializers.SlugRelatedField(
        slug_field="code", queryset=Line.objects.all(), allow_null=True, required=False
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; a line that the user does not see is as unknown as one that is not there."""
        fields = super().get_fields()
        request = self.context.get("request")
        # The schema is drawn up for nobody.
        if request is not None and isinstance(request.user, User):
            seen = Line.objects.visible_to(request.user)
            cast("Any", fields["line"]).queryset = seen
            if not request.user.sees_all_lines:
                sites = Site.objects.filter(areas__lines__in=seen).distinct()
                cast("Any", fields["site"]).queryset = sites
        return fields


class ShiftSerializer(_OfASite):
    """A shift with all its breaks. `weekdays` are digits, 1 for Monday."""

    breaks = BreakSerializer(many=True, required=False)

    class Meta:
        model = Shift
        fields = (
            "id",
            "site",
            "line",
            "name",
            "weekdays",
            "starts",
            "ends",
            "first_day",
            "last_day",
            "breaks",
        )
        validators: ClassVar[list[Any]] = []


class CalendarExceptionSerializer(_OfASite):
    """Days that differ from the shifts."""

    kind = serializers.ChoiceField(choices=ExceptionKind.choices)

    class Meta:
        model = CalendarException
        fields = (
            "id",
            "site",
            "line",
            "kind",
            "name",
            "first_day",
            "last_day",
            "starts",
            "ends",
        )
        validators: ClassVar[list[Any]] = []


class CalendarChanges(LineLimited[Row]):
    """List and detail for all, and whole rows kept and dropped by those who may."""

    permission_classes = (MayAct,)
    deeds: ClassVar[Mapping[str, str]]
    within = "line"

    def visible(self, rows: "models.QuerySet[Row]") -> "models.QuerySet[Row]":
        user = self.request.user
        if isinstance(user, User) and user.sees_all_lines:
            return rows
        lines = Line.objects.visible_to(user)
        sites = lines.values("area__site")
        return rows.filter(Q(line__in=lines.values("pk")) | Q(line=None, site__in=sites))

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request: Request) -> Response:
        """Add one."""
        return act(request, lambda user: self._kept(None, user), self._shown, created=True)

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def update(self, request: Request, pk: str) -> Response:
        """Replace one; its breaks become those that are given."""
        return act(request, lambda user: self._kept(self.get_object(), user), self._shown)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Drop one."""
        try:
            drop(self.get_object(), actor=actor_of(request))
        except NotAllowed as refused:
            raise PermissionDenied(refused.sentence) from refused
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _kept(self, row: Row | None, user: User) -> Row:
        asked = self.get_serializer(row, data=self.request.data)
        asked.is_valid(raise_exception=True)
        try:
            return self.keep(row, dict(asked.validated_data), user)
        except Invalid as error:
            # What is of no field of the row is of its breaks.
            told = get_error_detail(error)
            detail = told if isinstance(told, dict) else {"breaks": told}
            raise serializers.ValidationError(detail) from error

    def keep(self, row: Row | None, asked: dict[str, Any], user: User) -> Row:
        raise NotImplementedError

    def _shown(self, row: Any) -> dict[str, Any]:
        return dict(self.get_serializer(self.get_queryset().get(pk=row.pk)).data)


class Shifts(CalendarChanges[Shift]):
    """Shifts that recur on days of the week, with their breaks; wall clock of the site."""

    queryset = Shift.objects.select_related("site", "line").prefetch_related("breaks")
    serializer_class = ShiftSerializer
    filterset_class = ByLine
    deeds: ClassVar = {
        "create": "production.add_shift",
        "update": "production.change_shift",
        "destroy": "production.delete_shift",
    }

    def keep(self, row: Shift | None, asked: dict[str, Any], user: User) -> Shift:
        breaks = [Break(**each) for each in asked.pop("breaks", [])]
        return keep_shift(_filled(Shift, row, asked), breaks, actor=user)


class CalendarExceptions(CalendarChanges[CalendarException]):
    """Holidays, overtime, and days without demand."""

    queryset = CalendarException.objects.select_related("site", "line")
    serializer_class = CalendarExceptionSerializer
    filterset_class = ByLine
    deeds: ClassVar = {
        "create": "production.add_calendarexception",
        "update": "production.change_calendarexception",
        "destroy": "production.delete_calendarexception",
    }

    def keep(
        self, row: CalendarException | None, asked: dict[str, Any], user: User
    ) -> CalendarException:
        return keep_exception(_filled(CalendarException, row, asked), actor=user)


def _filled(model: type[Row], row: Row | None, asked: Mapping[str, Any]) -> Row:
    """Return the row with these values, not yet saved; what is left out is as in a new one."""
    fresh = model(**asked)
    if row is None:
        return fresh
    for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's documented API
        if not field.primary_key:
            setattr(row, field.attname, getattr(fresh, field.attname))
    return row


class CalendarQuery(Query):
    """Which line, and the half-open window, at most 400 days long."""

    line = serializers.CharField(max_length=64)
    to = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of the language.
        return {**super().get_fields(), "from": serializers.DateTimeField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not timedelta() < attrs["to"] - attrs["from"] <= LONGEST:
            raise serializers.ValidationError(
                {"to": f"It must be after `from`, by up to {LONGEST.days} days."}
            )
        return attrs


class ShiftTimeSerializer(serializers.Serializer[Any]):
    """A shift as it happens, of the day on which it begins."""

    name = serializers.CharField()
    day = serializers.DateField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()


class PlanSerializer(serializers.Serializer[Any]):
    """What the calendar says of a stretch of time."""

    plan = serializers.ChoiceField(choices=[each.value for each in Plan], source="what")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()


class CalendarSerializer(serializers.Serializer[Any]):
    """The shifts of a window and its plan, which covers it exactly."""

    line = serializers.CharField()
    time_zone = serializers.CharField()
    shifts = ShiftTimeSerializer(many=True)
    plan = PlanSerializer(many=True)


class CalendarView(GenericViewSet[Shift]):
    """The calendar of a line between two times."""

    queryset = Shift.objects.all()
    serializer_class = CalendarSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(parameters=[CalendarQuery], responses=CalendarSerializer)
    def list(self, request: Request) -> Response:
        """Return every shift that shares time with the window, whole, and the plan of the window."""
        asked = CalendarQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        start, end = asked.validated_data["from"], asked.validated_data["to"]
        line = (
            Line.objects.visible_to(request.user)
            .filter(code=asked.validated_data["line"])
            .first()
        )
        if line is None:
            raise NotFound("There is no such line.")
        calendar = calendar_of(line)
        body = {
            "line": line.code,
            "time_zone": _name(calendar.zone),
            "shifts": shift_times(calendar, start, end),
            "plan": plan(calendar, start, end),
        }
        return Response(CalendarSerializer(body).data)


def _name(zone: ZoneInfo) -> str:
    return zone.key


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("shifts", Shifts),
    ("calendar-exceptions", CalendarExceptions),
    ("calendar", CalendarView),
)
