"""How quality looks as JSON, and the bodies of its actions; related objects are named by their codes."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import ModelSerializer

from ms5.accounts.models import User
from production.api.bodies import Body, VisibleCode
from production.api.edited import CleanedSerializer
from production.choices import CheckKind
from production.models import (
    CheckDefect,
    Count,
    Defect,
    Equipment,
    Job,
    Line,
    Product,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)

MOST = 1_000_000
"""Pieces that a person counts at once; more is a slip of the finger."""


def _code(**kwargs: Any) -> Any:
    kwargs.setdefault("slug_field", "code")
    if "queryset" not in kwargs:
        kwargs["read_only"] = True
    return serializers.SlugRelatedField(**kwargs)


def _job() -> Any:
    return _code(slug_field="number")


class DefectSerializer(CleanedSerializer[Defect]):
    """What may be wrong with a piece. Its code never changes."""

    class Meta:
        model = Defect
        fields = ("code", "name", "category", "severity", "is_active")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        if isinstance(self.instance, Defect):
            fields["code"].read_only = True
        return fields


class EntrySerializer(ModelSerializer[Count]):
    """Pieces that a person counted."""

    equipment = _code()
    product = _code()
    defect = _code()
    job = _job()
    by = serializers.StringRelatedField[User]()

    class Meta:
        model = Count
        fields = (
            "id",
            "equipment",
            "kind",
            "quantity",
            "defect",
            "at",
            "product",
            "job",
            "by",
            "measured",
        )


class Rejected(Body):
    """So many rejects of a defect; null: nobody knows."""

    defect = _code(queryset=Defect.objects.all(), allow_null=True)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST)


class Moved(serializers.Serializer[Any]):
    """The job whose progress the pieces moved."""

    number = serializers.CharField()
    status = serializers.CharField()
    good = serializers.IntegerField()
    reject = serializers.IntegerField()


class Entered(serializers.Serializer[Any]):
    """What an entry wrote."""

    equipment = serializers.CharField(source="equipment.code")
    at = serializers.DateTimeField()
    counts = EntrySerializer(many=True)
    job = Moved(allow_null=True)


class ToEnter(Body):
    """Pieces made until `at` that no counter counted.

    Good pieces and rejects entered together are both new: the total rises by their sum. Rejects entered alone
    on an equipment that counts all its pieces are of those it has counted: the good pieces fall by them.
    """

    equipment = VisibleCode(queryset=Equipment.objects.all(), within="line")
    good = serializers.IntegerField(min_value=0, max_value=MOST, default=0)
    rejects = Rejected(many=True, default=list)
    at = serializers.DateTimeField(required=False, help_text="Left out: now.")
    note = serializers.CharField(max_length=300, allow_blank=True, default="")

    def validate_rejects(self, rejects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _named_once(rejects)


class ToExplain(Body):
    """Why so many rejects, the newest of the shift until `at`, were rejected."""

    equipment = VisibleCode(queryset=Equipment.objects.all(), within="line")
    defect = _code(queryset=Defect.objects.all())
    quantity = serializers.IntegerField(min_value=1, max_value=MOST)
    instead_of = _code(
        queryset=Defect.objects.all(),
        allow_null=True,
        default=None,
        help_text="The defect said by mistake; null: of rejects nobody has said it of.",
    )
    at = serializers.DateTimeField(required=False, help_text="Left out: now.")


class CheckDefectSerializer(Body, ModelSerializer[CheckDefect]):
    """How many of the checked items had a defect."""

    defect = _code(queryset=Defect.objects.all())
    quantity = serializers.IntegerField(min_value=1, max_value=MOST)

    class Meta:
        model = CheckDefect
        fields = ("defect", "quantity")


class QualityCheckSerializer(ModelSerializer[QualityCheck]):
    """Items looked at, and how many of them were good."""

    line = _code()
    equipment = _code()
    product = _code()
    job = _job()
    by = serializers.StringRelatedField[User]()
    defects = CheckDefectSerializer(many=True)

    class Meta:
        model = QualityCheck
        fields = (
            "id",
            "line",
            "equipment",
            "product",
            "job",
            "kind",
            "result",
            "checked",
            "failed",
            "defects",
            "at",
            "by",
            "note",
        )


class ToCheck(Body):
    """A check: it fails if an item did, unless it is let pass on a condition."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk")
    kind = serializers.ChoiceField(choices=CheckKind.choices)
    checked = serializers.IntegerField(min_value=1, max_value=MOST)
    failed = serializers.IntegerField(min_value=0, max_value=MOST, default=0)
    defects = CheckDefectSerializer(many=True, default=list)
    conditional = serializers.BooleanField(default=False)
    equipment = VisibleCode(
        queryset=Equipment.objects.all(), within="line", allow_null=True, default=None
    )
    product = _code(
        queryset=Product.objects.all(),
        allow_null=True,
        default=None,
        help_text="Left out: that of the job, else what is made now.",
    )
    job = VisibleCode(
        queryset=Job.objects.all(),
        within="line",
        slug_field="number",
        allow_null=True,
        default=None,
        help_text="Left out: the one that runs.",
    )
    at = serializers.DateTimeField(required=False, help_text="Left out: now.")
    note = serializers.CharField(max_length=300, allow_blank=True, default="")

    def validate_defects(self, defects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _named_once(defects)


class QualityThresholdSerializer(CleanedSerializer[QualityThreshold]):
    """Beyond a limit an alert opens; it clears only within another one. Limits are fractions."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk")
    equipment = VisibleCode(
        queryset=Equipment.objects.all(), within="line", allow_null=True, required=False
    )
    product = _code(queryset=Product.objects.all(), allow_null=True, required=False)
    defect = _code(queryset=Defect.objects.all(), allow_null=True, required=False)

    class Meta:
        model = QualityThreshold
        fields = (
            "id",
            "name",
            "metric",
            "defect",
            "line",
            "equipment",
            "product",
            "window_kind",
            "window_size",
            "least_items",
            "warning",
            "warning_clears",
            "critical",
            "critical_clears",
            "is_active",
        )


class QualityAlertSerializer(ModelSerializer[QualityAlert]):
    """A figure beyond its threshold; it stands while `cleared_at` is null."""

    line = _code()
    product = _code()
    job = _job()
    name = serializers.CharField(source="threshold.name", read_only=True)
    metric = serializers.CharField(source="threshold.metric", read_only=True)
    equipment = _code(source="threshold.equipment")
    defect = _code(source="threshold.defect")

    class Meta:
        model = QualityAlert
        fields = (
            "id",
            "threshold",
            "name",
            "metric",
            "line",
            "equipment",
            "defect",
            "severity",
            "value",
            "why",
            "limit",
            "clears_at",
            "product",
            "job",
            "opened_at",
            "cleared_at",
            "window_from",
            "window_to",
            "items",
            "breakdown",
            "others",
        )


def _named_once(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    named = [part["defect"] for part in parts]
    if len(set(named)) < len(named):
        raise serializers.ValidationError("Name each defect once.")
    return parts
