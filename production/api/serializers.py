"""How the plant and its records look as JSON; related objects are named by their codes."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import ModelSerializer

from ms5.accounts.models import User
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
    Job,
    Line,
    Product,
    Site,
    Span,
    Tally,
)


def _code(*, many: bool = False) -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(slug_field="code", read_only=True, many=many)


class SiteSerializer(ModelSerializer[Site]):
    """A plant at one place."""

    class Meta:
        model = Site
        fields = ("code", "name", "time_zone")


class AreaSerializer(ModelSerializer[Area]):
    """A part of a site."""

    site = _code()

    class Meta:
        model = Area
        fields = ("id", "site", "code", "name")


class LineSerializer(ModelSerializer[Line]):
    """A line with the codes of its equipment in flow order."""

    site = serializers.CharField(source="area.site.code", read_only=True)
    area = _code()
    equipment = _code(many=True)

    class Meta:
        model = Line
        fields = (
            "code",
            "name",
            "site",
            "area",
            "position",
            "oee_method",
            "no_data_is_stop",
            "changeover_good_needed",
            "equipment",
        )


class NowSerializer(ModelSerializer[Condition]):
    """The present of an equipment within it."""

    class Meta:
        model = Condition
        fields = (
            "state",
            "since",
            "stopped_since",
            "reason",
            "speed",
            "quality",
            "last_good_at",
        )


class EquipmentSerializer(ModelSerializer[Equipment]):
    """An equipment with its present condition."""

    line = _code()
    condition = NowSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Equipment
        fields = (
            "code",
            "name",
            "line",
            "position",
            "is_constraint",
            "running_above",
            "slow_after_s",
            "stop_after_s",
            "no_data_after_s",
            "condition",
        )


class ProductSerializer(ModelSerializer[Product]):
    """What is made."""

    class Meta:
        model = Product
        fields = ("code", "name", "plc_number")


class IdealCycleSerializer(ModelSerializer[IdealCycle]):
    """Seconds per piece, exact, hence a string."""

    equipment = _code()
    product = _code()

    class Meta:
        model = IdealCycle
        fields = (
            "id",
            "equipment",
            "product",
            "seconds",
            "effective_from",
            "slow_after_s",
            "stop_after_s",
        )


class ConditionSerializer(ModelSerializer[Condition]):
    """The present of an equipment."""

    equipment = _code()

    class Meta:
        model = Condition
        fields = ("equipment", *NowSerializer.Meta.fields)


class SpanSerializer(ModelSerializer[Span]):
    """A stay in one state; it lasts while `ended_at` is null."""

    equipment = _code()

    class Meta:
        model = Span
        fields = (
            "id",
            "equipment",
            "state",
            "started_at",
            "ended_at",
            "reason",
            "made_by",
        )


class CounterSerializer(ModelSerializer[Counter]):
    """Where a counter stood."""

    equipment = _code()

    class Meta:
        model = Counter
        fields = ("id", "equipment", "kind", "value", "read_at")


class CountSerializer(ModelSerializer[Count]):
    """An increment, made in `(after, at]`."""

    equipment = _code()
    product = _code()
    defect = _code()
    job = serializers.SlugRelatedField[Job](slug_field="number", read_only=True)
    by = serializers.StringRelatedField[User](help_text="Null: a counter counted.")

    class Meta:
        model = Count
        fields = (
            "id",
            "equipment",
            "kind",
            "quantity",
            "after",
            "at",
            "product",
            "ideal_cycle",
            "job",
            "defect",
            "by",
            "measured",
            "decision",
            "value_before",
            "value",
            "counters",
            "made_by",
        )


class TallySerializer(ModelSerializer[Tally]):
    """Pieces of a quarter of an hour."""

    equipment = _code()
    product = _code()
    job = serializers.SlugRelatedField[Job](slug_field="number", read_only=True)

    class Meta:
        model = Tally
        fields = (
            "id",
            "equipment",
            "started_at",
            "kind",
            "product",
            "ideal_cycle",
            "job",
            "measured",
            "counters",
            "quantity",
        )


class FaultSerializer(ModelSerializer[Fault]):
    """A fault message; it stands while `cleared_at` is null."""

    equipment = _code()

    class Meta:
        model = Fault
        fields = (
            "id",
            "equipment",
            "code",
            "text",
            "severity",
            "source",
            "reason_code",
            "raised_at",
            "cleared_at",
            "first_out",
        )


_SAID = ("operator", "product", "target_speed", "planned_stop", "planned_stop_reason")


class ContextSerializer(ModelSerializer[Context]):
    """What is said about an equipment."""

    equipment = _code()
    product = _code()
    operator = serializers.StringRelatedField[User]()

    class Meta:
        model = Context
        fields = ("equipment", *_SAID)


class ContextChangeSerializer(ModelSerializer[ContextChange]):
    """What the context became."""

    equipment = _code()
    product = _code()
    operator = serializers.StringRelatedField[User]()
    actor = serializers.StringRelatedField[User](help_text="Null: a controller said it.")

    class Meta:
        model = ContextChange
        fields = ("id", "at", "equipment", "actor", *_SAID)
