"""What lists of the plant can be narrowed by."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django_filters import rest_framework as filters

from production.api.base import ByEquipment, ByLine, FilterSet, moment
from production.choices import CountKind, Decision, Severity, State


class AreaFilter(FilterSet):
    """Areas of a site."""

    site = filters.CharFilter(field_name="site__code", label="Code of the site.")


class LineFilter(FilterSet):
    """Lines of a site or an area."""

    site = filters.CharFilter(field_name="area__site__code", label="Code of the site.")
    area = filters.CharFilter(field_name="area__code", label="Code of the area.")


class EquipmentFilter(ByLine):
    """Equipment of a line, in a state."""

    is_constraint = filters.BooleanFilter()
    state = filters.ChoiceFilter(field_name="condition__state", choices=State.choices)


class IdealCycleFilter(ByEquipment):
    """Ideal cycles of an equipment or a product."""

    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    before = moment("effective_from", "lt", "Took effect before this time.")


class ConditionFilter(ByEquipment):
    """Equipment in a state."""

    state = filters.ChoiceFilter(choices=State.choices)


class CounterFilter(ByEquipment):
    """Counters of a kind."""

    kind = filters.ChoiceFilter(choices=CountKind.choices)


class SpanFilter(ByEquipment):
    """Spans that share time with the half-open window from `after` to `before`."""

    state = filters.ChoiceFilter(choices=State.choices)
    open = filters.BooleanFilter(
        field_name="ended_at", lookup_expr="isnull", label="Whether it still lasts."
    )
    after = filters.IsoDateTimeFilter(method="lasting", label="Had not ended by this time.")
    before = moment("started_at", "lt", "Began before this time.")

    def lasting(self, spans: Any, _: str, at: datetime) -> Any:
        return spans.filter(Q(ended_at__gt=at) | Q(ended_at=None))


class CountFilter(ByEquipment):
    """Increments of the half-open window from `after` to `before`."""

    kind = filters.ChoiceFilter(choices=CountKind.choices)
    decision = filters.ChoiceFilter(choices=Decision.choices)
    measured = filters.BooleanFilter()
    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    job = filters.CharFilter(field_name="job__number", label="Number of the job.")
    defect = filters.CharFilter(field_name="defect__code", label="Code of the defect.")
    after = moment("at", "gte", "At or after this time.")
    before = moment("at", "lt", "Before this time.")


class TallyFilter(ByEquipment):
    """Quarters that begin in the half-open window."""

    kind = filters.ChoiceFilter(choices=CountKind.choices)
    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    job = filters.CharFilter(field_name="job__number", label="Number of the job.")
    measured = filters.BooleanFilter()
    after = moment("started_at", "gte", "Quarters that begin at or after this time.")
    before = moment("started_at", "lt", "Quarters that begin before this time.")


class FaultFilter(ByEquipment):
    """Faults that rose in the half-open window."""

    severity = filters.ChoiceFilter(choices=Severity.choices)
    first_out = filters.BooleanFilter()
    open = filters.BooleanFilter(
        field_name="cleared_at", lookup_expr="isnull", label="Whether it still stands."
    )
    after = moment("raised_at", "gte", "Rose at or after this time.")
    before = moment("raised_at", "lt", "Rose before this time.")


class ContextFilter(ByEquipment):
    """Contexts with or without a planned stop."""

    planned_stop = filters.BooleanFilter()


class ContextChangeFilter(ByEquipment):
    """Changes in the half-open window."""

    after = moment("at", "gte", "At or after this time.")
    before = moment("at", "lt", "Before this time.")
