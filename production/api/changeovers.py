"""Endpoints of changeovers: what runs and ran, the actions of people, and how long they take."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from production.actions import changeovers
from production.api.acting import IDEMPOTENCY_KEY, MayAct, Versioned, act
from production.api.base import ByLine, LineLimited, moment
from production.api.bodies import Body, VisibleCode
from production.api.changeover_targets import ChangeoverTargets
from production.changing import Lasted, lengths
from production.choices import ChangeoverStatus, StartedWith
from production.models import Changeover, ChangeoverStep, Job, Line, Product

MAY = "production.change_changeover"
# Of the newest so many the lengths are told: years of a line, a season of a plant.
MOST_SUMMED = 5_000


def _code() -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(slug_field="code", read_only=True)


class StepSerializer(serializers.ModelSerializer[ChangeoverStep]):
    """A step as it is taken; an internal one needs the line to stand still."""

    class Meta:
        model = ChangeoverStep
        fields = ("id", "position", "name", "kind", "target_s", "started_at", "ended_at")


class ChangeoverSerializer(serializers.ModelSerializer[Changeover]):
    """A changeover; it runs while `ended_at` is null."""

    line = _code()
    from_product = _code()
    to_product = _code()
    started_by = serializers.StringRelatedField[Any](help_text="Null: no person did.")
    ended_by = serializers.StringRelatedField[Any](help_text="Null: the good pieces ended it.")
    actual_s = serializers.SerializerMethodField(help_text="Null while it lasts.")
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Changeover
        fields = (
            "id",
            "line",
            "job",
            "from_product",
            "to_product",
            "status",
            "started_at",
            "ended_at",
            "target_s",
            "actual_s",
            "over_target_at",
            "started_with",
            "started_by",
            "ended_by",
            "good_needed",
            "good_in_a_row",
            "note",
            "version",
            "steps",
        )

    def get_actual_s(self, changeover: Changeover) -> float | None:
        if changeover.ended_at is None:
            return None
        return (changeover.ended_at - changeover.started_at).total_seconds()


class At(Body):
    """When it was; left out: now."""

    at = serializers.DateTimeField(required=False, help_text="Left out: now.")

    def validate_at(self, at: datetime) -> datetime:
        if at > timezone.now():
            raise serializers.ValidationError("This time has not come yet.")
        return at


class StartBody(At):
    """What a person says of a changeover that begins."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk", help_text="Code of the line.")
    to_product = serializers.SlugRelatedField(
        slug_field="code", queryset=Product.objects.all(), help_text="Code of the product."
    )
    from_product = serializers.SlugRelatedField(
        slug_field="code",
        queryset=Product.objects.all(),
        required=False,
        help_text="Left out: what the line was set to.",
    )
    job = serializers.IntegerField(
        required=False, min_value=1, max_value=2**53 - 1, help_text="Its number here."
    )
    note = serializers.CharField(required=False, max_length=300)


class EndBody(At, Versioned):
    """What a person says of a changeover that ends."""

    note = serializers.CharField(required=False, max_length=300)


class StepBody(At, Versioned):
    """What a person says of a step."""


class SummarySerializer(serializers.Serializer[Any]):
    """How long completed changeovers between two products took, in seconds."""

    from_product = serializers.CharField(allow_null=True)
    to_product = serializers.CharField()
    count = serializers.IntegerField()
    median_s = serializers.FloatField()
    p90_s = serializers.FloatField()
    shortest_s = serializers.FloatField()
    longest_s = serializers.FloatField()
    target_s = serializers.FloatField(allow_null=True, help_text="The newest that one had.")
    within = serializers.FloatField(
        allow_null=True, help_text="Share of those with a target that took no longer."
    )


class ChangeoverFilter(ByLine):
    """Changeovers that began in the half-open window, between products, running or over."""

    status = filters.ChoiceFilter(choices=ChangeoverStatus.choices)
    started_with = filters.ChoiceFilter(choices=StartedWith.choices)
    from_product = filters.CharFilter(field_name="from_product__code", label="Its code.")
    to_product = filters.CharFilter(field_name="to_product__code", label="Its code.")
    job = filters.NumberFilter(field_name="job", label="Number of the job.")
    open = filters.BooleanFilter(
        field_name="ended_at", lookup_expr="isnull", label="Whether it still runs."
    )
    over_target = filters.BooleanFilter(
        field_name="over_target_at",
        lookup_expr="isnull",
        exclude=True,
        label="Whether it took longer than its target.",
    )
    after = moment("started_at", "gte", "Began at or after this time.")
    before = moment("started_at", "lt", "Began before this time.")


_ACTS: dict[str, Any] = {"responses": ChangeoverSerializer, "parameters": [IDEMPOTENCY_KEY]}
_STEP = r"steps/(?P<step>[0-9]{1,18})"


class Changeovers(LineLimited[Changeover]):
    """Changeovers, newest first. People start, complete and call them off, and take their steps."""

    queryset = Changeover.objects.select_related(
        "line", "from_product", "to_product", "started_by", "ended_by"
    ).prefetch_related("steps")
    serializer_class = ChangeoverSerializer
    filterset_class = ChangeoverFilter
    permission_classes = (MayAct,)
    within = "line"
    deeds: ClassVar = dict.fromkeys(
        ("create", "complete", "cancel", "start_step", "end_step"), MAY
    )

    @extend_schema(request=StartBody, **{**_ACTS, "responses": {201: ChangeoverSerializer}})
    def create(self, request: Request) -> Response:
        """Begin one; where one runs on the line, it is joined or turned to this product."""
        said = _said(StartBody, request)
        line = said["line"]
        job = None
        if "job" in said:
            job = Job.objects.filter(pk=said["job"], line=line).first()
            if job is None:
                raise ValidationError({"job": "The line has no such job."})
        return act(
            request,
            lambda user: changeovers.start(
                line,
                said["to_product"],
                actor=user,
                at=said["at"],
                from_product=said.get("from_product"),
                job=job,
                note=said.get("note", ""),
            ),
            self._told,
            created=True,
        )

    @extend_schema(request=EndBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """End it by a person's word."""
        return self._end(request, changeovers.complete)

    @extend_schema(request=EndBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Call it off: its time was no changeover."""
        return self._end(request, changeovers.cancel)

    @extend_schema(request=StepBody, operation_id="changeovers_step_start", **_ACTS)
    @action(detail=True, methods=["post"], url_path=rf"{_STEP}/start")
    def start_step(self, request: Request, pk: str, step: str) -> Response:
        """Begin a step of a running changeover."""
        return self._take(request, step, changeovers.start_step)

    @extend_schema(request=StepBody, operation_id="changeovers_step_end", **_ACTS)
    @action(detail=True, methods=["post"], url_path=rf"{_STEP}/end")
    def end_step(self, request: Request, pk: str, step: str) -> Response:
        """End a step of a running changeover."""
        return self._take(request, step, changeovers.end_step)

    @extend_schema(responses=SummarySerializer(many=True))
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        """Tell per pair of products how long the completed ones took, those with the most first."""
        done: QuerySet[Changeover] = self.filter_queryset(self.get_queryset())
        rows = done.filter(status=ChangeoverStatus.COMPLETED).order_by("-started_at")
        by_pair: dict[tuple[str | None, str], list[Lasted]] = defaultdict(list)
        fields = (
            "from_product__code",
            "to_product__code",
            "started_at",
            "ended_at",
            "target_s",
        )
        for before, after, began, ended, target_s in reversed(
            rows.values_list(*fields)[:MOST_SUMMED]
        ):
            by_pair[before, after].append(Lasted((ended - began).total_seconds(), target_s))
        told = [
            {"from_product": before, "to_product": after, **asdict(lengths(lasted))}
            for (before, after), lasted in by_pair.items()
        ]
        return Response(sorted(told, key=lambda each: -each["count"]))

    def _end(self, request: Request, deed: Any) -> Response:
        said = _said(EndBody, request)
        changeover = self.get_object()
        return act(request, lambda user: deed(changeover, actor=user, **said), self._told)

    def _take(self, request: Request, number: str, deed: Any) -> Response:
        said = _said(StepBody, request)
        step = get_object_or_404(ChangeoverStep, pk=number, changeover=self.get_object())
        return act(request, lambda user: deed(step, actor=user, **said), self._told)

    def _told(self, changeover: Changeover) -> dict[str, Any]:
        """Return it as the detail shows it, read anew with what hangs on it."""
        fresh = super().get_queryset().get(pk=changeover.pk)
        return dict(ChangeoverSerializer(fresh).data)


def _said(body: type[At], request: Request) -> dict[str, Any]:
    """Return what the body says, checked; the time is now where it says none."""
    checked = body(data=request.data, context={"request": request})
    checked.is_valid(raise_exception=True)
    return {"at": timezone.now(), **checked.validated_data}


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("changeovers", Changeovers),
    ("changeover-targets", ChangeoverTargets),
)
