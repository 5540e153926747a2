"""Endpoints of what people count, of checks, defects, thresholds and alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from ms5.accounts.models import User
from production.actions.entries import Entry, enter, give_defects
from production.actions.quality import check
from production.api.acting import IDEMPOTENCY_KEY, MayAct, act
from production.api.base import (
    CODE_IN_URL,
    NUMBER_IN_URL,
    ByEquipment,
    ByLine,
    FilterSet,
    LineLimited,
    moment,
)
from production.api.edited import Edited
from production.api.quality_serializers import (
    DefectSerializer,
    Entered,
    EntrySerializer,
    QualityAlertSerializer,
    QualityCheckSerializer,
    QualityThresholdSerializer,
    ToCheck,
    ToEnter,
    ToExplain,
)
from production.choices import (
    AlertSeverity,
    CheckKind,
    CheckResult,
    CountKind,
    DefectSeverity,
    Metric,
)
from production.models import (
    Count,
    Defect,
    Equipment,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from production.visibility import limited


class EntryFilter(ByEquipment):
    """Entries of the half-open window from `after` to `before`."""

    kind = filters.ChoiceFilter(choices=CountKind.choices)
    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    job = filters.CharFilter(field_name="job__number", label="Number of the job.")
    defect = filters.CharFilter(field_name="defect__code", label="Code of the defect.")
    after = moment("at", "gte", "At or after this time.")
    before = moment("at", "lt", "Before this time.")


class Entries(LineLimited[Count]):
    """What people counted, newest first; POST enters good pieces and rejects in one action."""

    queryset = Count.objects.filter(by__isnull=False).select_related(
        "equipment", "product", "job", "defect", "by"
    )
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    within = "equipment__line"
    permission_classes = (MayAct,)
    deeds: ClassVar = {"create": "production.add_count", "defects": "production.add_count"}

    @extend_schema(request=ToEnter, responses={201: Entered}, parameters=[IDEMPOTENCY_KEY])
    def create(self, request: Request) -> Response:
        """Count pieces that no counter counted.

        Good pieces and rejects entered together are both new: 100 good and 50 rejects are 150 pieces. Rejects
        entered alone on an equipment that counts all its pieces are of those that it has counted: its good
        pieces fall by them. Where counters tell good pieces and all pieces, rejects alone are refused.
        """

        def deed(user: User, now: datetime, asked: dict[str, Any]) -> Entry:
            rejects = {part["defect"]: part["quantity"] for part in asked.pop("rejects")}
            return enter(rejects=rejects, actor=user, now=now, **asked)

        return self._entered(request, ToEnter, deed)

    @extend_schema(request=ToExplain, responses={201: Entered}, parameters=[IDEMPOTENCY_KEY])
    @action(detail=False, methods=["post"])
    def defects(self, request: Request) -> Response:
        """Say why rejects were rejected; their number stays."""

        def deed(user: User, now: datetime, asked: dict[str, Any]) -> Entry:
            return give_defects(actor=user, now=now, **asked)

        return self._entered(request, ToExplain, deed)

    def _entered(self, request: Request, body: Any, deed: Any) -> Response:
        entries: list[Entry] = []

        def done(user: User) -> Equipment:
            now = timezone.now()
            asked = _asked(self, body, request)
            entries.append(deed(user, now, {"at": now} | asked))
            return entries[-1].equipment

        def shown(_: Any) -> dict[str, Any]:
            return dict(Entered(entries[-1]).data)

        return act(request, done, shown, created=True)


class CheckFilter(ByEquipment):
    """Checks of the half-open window from `after` to `before`."""

    line = filters.CharFilter(field_name="line__code", label="Code of the line.")
    kind = filters.ChoiceFilter(choices=CheckKind.choices)
    result = filters.ChoiceFilter(choices=CheckResult.choices)
    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    job = filters.CharFilter(field_name="job__number", label="Number of the job.")
    after = moment("at", "gte", "At or after this time.")
    before = moment("at", "lt", "Before this time.")


class QualityChecks(LineLimited[QualityCheck]):
    """Quality checks, newest first; POST writes one down."""

    queryset = QualityCheck.objects.select_related(
        "line", "equipment", "product", "job", "by"
    ).prefetch_related("defects__defect")
    serializer_class = QualityCheckSerializer
    filterset_class = CheckFilter
    within = "line"
    permission_classes = (MayAct,)
    deeds: ClassVar = {"create": "production.add_qualitycheck"}

    @extend_schema(
        request=ToCheck, responses={201: QualityCheckSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def create(self, request: Request) -> Response:
        """Write down a check."""

        def deed(user: User) -> QualityCheck:
            now = timezone.now()
            asked = {"at": now} | _asked(self, ToCheck, request)
            found = {part["defect"]: part["quantity"] for part in asked.pop("defects")}
            return check(defects=found, actor=user, now=now, **asked)

        return act(
            request, deed, lambda row: dict(QualityCheckSerializer(row).data), created=True
        )


class DefectFilter(FilterSet):
    """Defects in use, of a severity."""

    is_active = filters.BooleanFilter()
    severity = filters.ChoiceFilter(choices=DefectSeverity.choices)
    category = filters.CharFilter()


class Defects(Edited[Defect]):
    """What may be wrong with a piece; defects belong to the plant and not to a line."""

    queryset = Defect.objects.all()
    serializer_class = DefectSerializer
    filterset_class = DefectFilter
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL


class ThresholdFilter(ByEquipment):
    """Thresholds of a line or an equipment, on a metric."""

    line = filters.CharFilter(field_name="line__code", label="Code of the line.")
    metric = filters.ChoiceFilter(choices=Metric.choices)
    is_active = filters.BooleanFilter()


class QualityThresholds(Edited[QualityThreshold]):
    """When an alert opens and when it clears; fractions, such as 0.05."""

    queryset = QualityThreshold.objects.select_related("line", "equipment", "product", "defect")
    serializer_class = QualityThresholdSerializer
    filterset_class = ThresholdFilter
    search_fields = ("name",)
    lookup_value_regex = NUMBER_IN_URL
    line_code_path = "line.code"

    def get_queryset(self) -> Any:
        return limited(super().get_queryset(), self.request.user, "line")


class AlertFilter(ByLine):
    """Alerts that opened in the half-open window from `after` to `before`."""

    equipment = filters.CharFilter(
        field_name="threshold__equipment__code", label="Code of the equipment."
    )
    metric = filters.ChoiceFilter(field_name="threshold__metric", choices=Metric.choices)
    severity = filters.ChoiceFilter(choices=AlertSeverity.choices)
    open = filters.BooleanFilter(
        field_name="cleared_at", lookup_expr="isnull", label="Whether it still stands."
    )
    after = moment("opened_at", "gte", "Opened at or after this time.")
    before = moment("opened_at", "lt", "Opened before this time.")


class QualityAlerts(LineLimited[QualityAlert]):
    """Quality alerts from opening to clearing, newest first."""

    queryset = QualityAlert.objects.select_related(
        "line", "product", "job", "threshold__equipment", "threshold__defect"
    )
    serializer_class = QualityAlertSerializer
    filterset_class = AlertFilter
    within = "line"


def _asked(view: Any, body: Any, request: Request) -> dict[str, Any]:
    """Return the checked body of an action; raises ValidationError."""
    serializer = body(data=request.data, context=view.get_serializer_context())
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("entries", Entries),
    ("quality-checks", QualityChecks),
    ("defects", Defects),
    ("quality-thresholds", QualityThresholds),
    ("quality-alerts", QualityAlerts),
)
