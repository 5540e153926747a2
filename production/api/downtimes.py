"""Endpoints of downtimes and their reasons; what people do with them is a POST."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db.models import Q
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from ms5.accounts.models import User
from production.actions import downtimes, reasons
from production.api.acting import IDEMPOTENCY_KEY, MayAct, Versioned, act
from production.api.base import CODE_IN_URL, ByEquipment, FilterSet, LineLimited, moment
from production.api.downtime_figures import (
    PARETO_QUERY,
    WINDOW_QUERY,
    ParetoSerializer,
    ReliabilitySerializer,
    the_pareto,
    the_reliability,
)
from production.api.edited import CleanedSerializer, Edited
from production.choices import Category, Loss
from production.models import Downtime, Reason
from production.public.downtimes import RELATED, status_of
from production.reason_tree import in_tree_order

SAYS, CONFIRMS = downtimes.SAYS, downtimes.CONFIRMS
Method = TypeVar("Method", bound=Callable[..., Any])

if TYPE_CHECKING:
    Visible = serializers.PrimaryKeyRelatedField[Downtime]
else:
    Visible = serializers.PrimaryKeyRelatedField


class ReasonSerializer(CleanedSerializer[Reason]):
    """A reason with the one above it; `level` is 1 for a group."""

    # The tree's word is one of the framework's too, which takes a declared field off its class.
    parent = serializers.SlugRelatedField(  # type: ignore[assignment]  # see above
        slug_field="code", queryset=Reason.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Reason
        fields = (
            "code",
            "name",
            "parent",
            "category",
            "loss",
            "six_loss",
            "is_failure",
            "andon_category",
            "andon_priority",
            "escalate_after_min",
            "position",
            "is_active",
        )


class ReasonFilter(FilterSet):
    """Reasons in use, below another, in a bucket."""

    parent = filters.CharFilter(field_name="parent__code", label="Code of the one above.")
    category = filters.ChoiceFilter(choices=Category.choices)
    loss = filters.ChoiceFilter(choices=Loss.choices)
    is_active = filters.BooleanFilter()


class Reasons(Edited[Reason]):
    """Why equipment stands, in the order of the tree; reasons belong to the plant and not to a line."""

    queryset = in_tree_order(Reason.objects.select_related("parent"))
    serializer_class = ReasonSerializer
    filterset_class = ReasonFilter
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with reasons.followed(Reason.objects.filter(code=kwargs["code"])):
            return super().update(request, *args, **kwargs)


class DowntimeSerializer(serializers.ModelSerializer[Downtime]):
    """A downtime from its start; reasons, equipment and product by their codes."""

    status = serializers.SerializerMethodField()
    line = serializers.CharField(source="equipment.line.code")
    equipment = serializers.CharField(source="equipment.code")
    reason = serializers.CharField(source="reason.code", default=None, allow_null=True)
    reason_name = serializers.CharField(source="reason.name", default=None, allow_null=True)
    suggested = serializers.CharField(source="suggested.code", default=None, allow_null=True)
    fault = serializers.CharField(source="fault.text", default=None, allow_null=True)
    job = serializers.CharField(source="job.number", default=None, allow_null=True)
    product = serializers.CharField(source="product.code", default=None, allow_null=True)
    reported_by = serializers.SerializerMethodField()
    confirmed_by = serializers.SerializerMethodField()

    class Meta:
        model = Downtime
        fields = (
            "id",
            "line",
            "equipment",
            "status",
            "started_at",
            "ended_at",
            "category",
            "reason",
            "reason_name",
            "suggested",
            "fault",
            "note",
            "reported_by",
            "confirmed_by",
            "confirmed_at",
            "responded_at",
            "repaired_at",
            "job",
            "product",
            "merged_into",
            "version",
        )
        read_only_fields = fields

    def get_status(self, row: Downtime) -> str:
        return status_of(row)

    def get_reported_by(self, row: Downtime) -> str | None:
        return str(row.reported_by) if row.reported_by else None

    def get_confirmed_by(self, row: Downtime) -> str | None:
        return str(row.confirmed_by) if row.confirmed_by else None


class DowntimeFilter(ByEquipment):
    """Downtimes that share time with the half-open window from `after` to `before`."""

    reason = filters.CharFilter(field_name="reason__code", label="Code of the reason.")
    category = filters.ChoiceFilter(choices=Category.choices)
    open = filters.BooleanFilter(
        field_name="ended_at", lookup_expr="isnull", label="Whether it still lasts."
    )
    unassigned = filters.BooleanFilter(
        field_name="reason", lookup_expr="isnull", label="Whether nobody has said why."
    )
    confirmed = filters.BooleanFilter(
        field_name="confirmed_at", lookup_expr="isnull", exclude=True, label="Is it confirmed?"
    )
    after = filters.IsoDateTimeFilter(method="lasting", label="Had not ended by this time.")
    before = moment("started_at", "lt", "Began before this time.")
    merged = filters.BooleanFilter(
        method="with_merged", label="Whether those merged into another are listed as well."
    )

    def with_merged(self, rows: Any, _: str, are_wanted: bool) -> Any:  # noqa: FBT001 - as the filters call it
        return rows if are_wanted else rows.filter(merged_into=None)

    def lasting(self, rows: Any, _: str, at: Any) -> Any:
        return rows.filter(Q(ended_at__gt=at) | Q(ended_at=None))


class _Reasoned(Versioned):
    """A reason by its code."""

    reason = serializers.SlugRelatedField(
        slug_field="code", queryset=Reason.objects.all(), allow_null=True
    )


class SayReason(_Reasoned):
    """Why it stood; null takes the reason back."""

    note = serializers.CharField(
        required=False, allow_blank=True, max_length=downtimes.LONGEST_NOTE
    )


class Confirm(_Reasoned):
    """Without a reason the one it has is confirmed, or the suggested one."""

    reason = serializers.SlugRelatedField(
        slug_field="code", queryset=Reason.objects.all(), required=False, allow_null=True
    )


class Split(Versioned):
    """Where the second half begins."""

    at = serializers.DateTimeField()


@extend_schema_field(OpenApiTypes.INT)
class Neighbour(Visible):
    """Another downtime by its number; only one that may be seen can be named."""

    def get_queryset(self) -> Any:
        return self.context.get("visible", Downtime.objects.none())


class Merge(Versioned):
    """The neighbour, by its number."""

    other = Neighbour()


class Came(Versioned):
    """Since when; without it, now."""

    at = serializers.DateTimeField(required=False)


def _deed(body: type[serializers.Serializer[Any]]) -> Callable[[Method], Method]:
    """Return what describes an action on a downtime."""
    described: Callable[[Method], Method] = extend_schema(
        request=body, responses=DowntimeSerializer, parameters=[IDEMPOTENCY_KEY], filters=False
    )
    return described


class Downtimes(LineLimited[Downtime]):
    """Stops long enough to ask why, newest first.

    One that was merged into another has no time of its own: its detail names the other as `merged_into`, and
    the list leaves it out unless `?merged=true`. Once confirmed, or the shift it ended in is over, another
    reason, a split and a merge are refused with `needs_correction`: `/corrections/` does them, and says why.
    """

    queryset = Downtime.objects.select_related(*RELATED, "job")
    serializer_class = DowntimeSerializer
    filterset_class = DowntimeFilter
    search_fields = ("note", "reason__name", "fault__text")
    within = "equipment__line"
    permission_classes = (MayAct,)
    deeds: ClassVar = {
        "reason": SAYS,
        "respond": SAYS,
        "repaired": SAYS,
        "confirm": CONFIRMS,
        "unconfirm": CONFIRMS,
        "split": CONFIRMS,
        "merge": CONFIRMS,
    }

    def filter_queryset(self, queryset: Any) -> Any:
        rows = super().filter_queryset(queryset)
        if self.action == "list" and "merged" not in self.request.query_params:
            return rows.filter(merged_into=None)
        return rows

    @_deed(SayReason)
    @action(detail=True, methods=["post"])
    def reason(self, request: Request, pk: str) -> Response:
        """Say why it stood."""
        return self._do(downtimes.say_reason, SayReason)

    @_deed(Confirm)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Stand by the reason."""
        return self._do(downtimes.confirm, Confirm)

    @_deed(Versioned)
    @action(detail=True, methods=["post"])
    def unconfirm(self, request: Request, pk: str) -> Response:
        """Take the confirmation back."""
        return self._do(downtimes.unconfirm, Versioned)

    @_deed(Split)
    @action(detail=True, methods=["post"])
    def split(self, request: Request, pk: str) -> Response:
        """Cut it in two; the answer is the first half."""
        return self._do(downtimes.split, Split, at="moment")

    @_deed(Merge)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Make one of it and a neighbour; the answer is the earlier of the two."""
        return self._do(downtimes.merge, Merge, other="second")

    @_deed(Came)
    @action(detail=True, methods=["post"])
    def respond(self, request: Request, pk: str) -> Response:
        """Say that somebody is there."""
        return self._do(downtimes.respond, Came, at="moment")

    @_deed(Came)
    @action(detail=True, methods=["post"])
    def repaired(self, request: Request, pk: str) -> Response:
        """Say that it is mended."""
        return self._do(downtimes.repaired, Came, at="moment")

    @extend_schema(parameters=PARETO_QUERY, responses=ParetoSerializer, filters=False)
    @action(detail=False, pagination_class=None)
    def pareto(self, request: Request) -> Response:
        """Losses by reason, category, equipment, product or shift, longest first."""
        return Response(the_pareto(request))

    @extend_schema(parameters=WINDOW_QUERY, responses=ReliabilitySerializer, filters=False)
    @action(detail=False, pagination_class=None)
    def reliability(self, request: Request) -> Response:
        """Mean time between failures, and the three mean times to respond, to repair and to restore."""
        return Response(the_reliability(request))

    def _do(
        self, deed: Any, body: type[serializers.Serializer[Any]], **renamed: str
    ) -> Response:
        row = self.get_object()
        asked = body(data=self.request.data, context={"visible": self.get_queryset()})
        asked.is_valid(raise_exception=True)
        given = {renamed.get(name, name): value for name, value in asked.validated_data.items()}

        def done(user: User) -> Downtime:
            done: Downtime = deed(row, actor=user, at=timezone.now(), **given)
            return done

        return act(self.request, done, lambda found: dict(DowntimeSerializer(found).data))


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("reasons", Reasons),
    ("downtimes", Downtimes),
)
