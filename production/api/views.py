"""Read endpoints of the plant and its records."""

from django.db import models
from rest_framework.viewsets import ReadOnlyModelViewSet

from production.api import filters, serializers
from production.api.base import CODE_IN_URL, KnownParameters, LineLimited
from production.models import (
    Area,
    Condition,
    Context,
    ContextChange,
    Count,
    Counter,
    Equipment,
    Fault,
    IdealCycle,
    Line,
    Product,
    Site,
    Span,
    Tally,
)
from production.visibility import with_a_visible_line


class Sites(LineLimited[Site]):
    """Sites with a line you may see."""

    queryset = Site.objects.all()
    serializer_class = serializers.SiteSerializer
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL

    def visible(self, rows: "models.QuerySet[Site]") -> "models.QuerySet[Site]":
        return with_a_visible_line(rows, self.request.user, "areas__lines")


class Areas(LineLimited[Area]):
    """Areas with a line you may see."""

    queryset = Area.objects.select_related("site")
    serializer_class = serializers.AreaSerializer
    filterset_class = filters.AreaFilter
    search_fields = ("code", "name")

    def visible(self, rows: "models.QuerySet[Area]") -> "models.QuerySet[Area]":
        return with_a_visible_line(rows, self.request.user, "lines")


class Lines(LineLimited[Line]):
    """Lines in plant order, with the codes of their equipment in flow order."""

    queryset = Line.objects.select_related("area__site").prefetch_related("equipment")
    serializer_class = serializers.LineSerializer
    filterset_class = filters.LineFilter
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL
    within = "pk"


class EquipmentView(LineLimited[Equipment]):
    """Equipment in flow order, with its present condition; null before any data."""

    queryset = Equipment.objects.in_flow_order().select_related("line", "condition")
    serializer_class = serializers.EquipmentSerializer
    filterset_class = filters.EquipmentFilter
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL
    within = "line"


class Products(KnownParameters, ReadOnlyModelViewSet[Product]):
    """Products, which belong to the plant and not to a line."""

    queryset = Product.objects.all()
    serializer_class = serializers.ProductSerializer
    filterset_fields = ("plc_number",)
    search_fields = ("code", "name")
    lookup_field = "code"
    lookup_value_regex = CODE_IN_URL


class IdealCycles(LineLimited[IdealCycle]):
    """Ideal cycle times in seconds, newest first per equipment and product."""

    queryset = IdealCycle.objects.select_related("equipment", "product")
    serializer_class = serializers.IdealCycleSerializer
    filterset_class = filters.IdealCycleFilter
    within = "equipment__line"


class Conditions(LineLimited[Condition]):
    """What each equipment is doing now."""

    queryset = Condition.objects.select_related("equipment").order_by("equipment__code")
    serializer_class = serializers.ConditionSerializer
    filterset_class = filters.ConditionFilter
    lookup_field = "equipment__code"
    lookup_url_kwarg = "code"
    lookup_value_regex = CODE_IN_URL
    within = "equipment__line"


class Spans(LineLimited[Span]):
    """Stays in one state, half open, newest first."""

    queryset = Span.objects.select_related("equipment")
    serializer_class = serializers.SpanSerializer
    filterset_class = filters.SpanFilter
    within = "equipment__line"


class Counters(LineLimited[Counter]):
    """Where each counter stood when it was last read."""

    queryset = Counter.objects.select_related("equipment").order_by("equipment__code", "kind")
    serializer_class = serializers.CounterSerializer
    filterset_class = filters.CounterFilter
    within = "equipment__line"


class Counts(LineLimited[Count]):
    """Increments, newest first, each made in `(after, at]`, with what was decided about it."""

    queryset = Count.objects.select_related("equipment", "product", "job", "defect", "by")
    serializer_class = serializers.CountSerializer
    filterset_class = filters.CountFilter
    within = "equipment__line"


class Tallies(LineLimited[Tally]):
    """Pieces per quarter of an hour, newest first."""

    queryset = Tally.objects.select_related("equipment", "product", "job")
    serializer_class = serializers.TallySerializer
    filterset_class = filters.TallyFilter
    within = "equipment__line"


class Faults(LineLimited[Fault]):
    """Fault messages from their rise to their end, newest first."""

    queryset = Fault.objects.select_related("equipment")
    serializer_class = serializers.FaultSerializer
    filterset_class = filters.FaultFilter
    search_fields = ("text", "code")
    within = "equipment__line"


class Contexts(LineLimited[Context]):
    """What people and controllers say about an equipment now."""

    queryset = Context.objects.select_related("equipment", "product", "operator").order_by(
        "equipment__code"
    )
    serializer_class = serializers.ContextSerializer
    filterset_class = filters.ContextFilter
    lookup_field = "equipment__code"
    lookup_url_kwarg = "code"
    lookup_value_regex = CODE_IN_URL
    within = "equipment__line"


class ContextChanges(LineLimited[ContextChange]):
    """What the context became, when, and by whom."""

    queryset = ContextChange.objects.select_related("equipment", "product", "operator", "actor")
    serializer_class = serializers.ContextChangeSerializer
    filterset_class = filters.ContextChangeFilter
    within = "equipment__line"
