"""How a call looks as JSON, and what the bodies of its actions say."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from andon.choices import Category, Priority
from andon.models import AndonCall, CallEvent, EscalationStep
from ms5.accounts.models import User
from production.api.acting import Versioned
from production.api.bodies import Body, VisibleCode
from production.models import Equipment, Line

LONGEST_TEXT = 500


def _code() -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(slug_field="code", read_only=True)


def _person() -> Any:
    return serializers.StringRelatedField[User]()


class CallSerializer(serializers.ModelSerializer[AndonCall]):
    """A call for help; it is over when `ended_at` is set."""

    line = _code()
    line_name: Any = serializers.CharField(source="line.name", read_only=True)
    equipment = _code()
    raised_by = _person()
    rule: Any = serializers.SlugRelatedField(
        slug_field="name", read_only=True, help_text="The rule that raised it; null: a person."
    )
    acknowledged_by = _person()
    arrived_by = _person()
    resolved_by = _person()
    cancelled_by = _person()
    shelved_by = _person()
    escalation_level: Any = serializers.IntegerField(
        source="escalation.level",
        read_only=True,
        help_text="How far it has climbed; 0: nobody was told yet.",
    )
    levels = serializers.SerializerMethodField(help_text="How many levels its policy has.")

    class Meta:
        model = AndonCall
        fields: tuple[str, ...] = (
            "id",
            "line",
            "line_name",
            "equipment",
            "category",
            "priority",
            "description",
            "status",
            "raised_by",
            "raised_by_id",
            "rule",
            "raised_at",
            "occurrences",
            "last_raised_at",
            "acknowledged_by",
            "acknowledged_at",
            "arrived_by",
            "arrived_at",
            "resolved_by",
            "resolved_at",
            "resolution",
            "cancelled_by",
            "cancelled_at",
            "ended_at",
            "normal_at",
            "acknowledge_due_at",
            "resolve_due_at",
            "shelved_until",
            "shelved_by",
            "shelf_reason",
            "shift",
            "shift_day",
            "escalation_level",
            "levels",
            "downtime_id",
            "quality_alert_id",
            "job_id",
            "version",
        )

    def get_levels(self, call: AndonCall) -> int:
        return len(call.escalation.policy["levels"])


class CallEventSerializer(serializers.ModelSerializer[CallEvent]):
    """A line of a call's history."""

    by = _person()

    class Meta:
        model = CallEvent
        fields = ("at", "by", "verb", "text")


class ScheduleStepSerializer(serializers.ModelSerializer[EscalationStep]):
    """What happened, or will, at a moment of the call's schedule."""

    class Meta:
        model = EscalationStep
        fields = ("kind", "level", "n", "due_at", "state", "fired_at", "late_ms", "clock_note")


class WholeCallSerializer(CallSerializer):
    """A call with its history, its schedule, and the policy that was frozen into it."""

    events = CallEventSerializer(many=True, read_only=True)
    steps: Any = ScheduleStepSerializer(source="escalation.steps", many=True, read_only=True)
    policy = serializers.SerializerMethodField()

    class Meta(CallSerializer.Meta):
        fields = (*CallSerializer.Meta.fields, "events", "steps", "policy")

    @extend_schema_field(dict)
    def get_policy(self, call: AndonCall) -> dict[str, Any]:
        policy: dict[str, Any] = call.escalation.policy
        return policy


class RaiseBody(Body):
    """A call for help. The same again while it is open counts as an occurrence of it."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk", help_text="Code of the line.")
    equipment = VisibleCode(
        queryset=Equipment.objects.all(),
        within="line",
        required=False,
        allow_null=True,
        help_text="Code of the equipment; null: the line as a whole.",
    )
    category = serializers.ChoiceField(choices=Category.choices)
    priority = serializers.ChoiceField(
        choices=Priority.choices,
        required=False,
        help_text="Left out: what is usual for the category.",
    )
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_TEXT
    )


class SayBody(Versioned):
    """What is said with it, if anything."""

    text = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_TEXT)


class ResolveBody(Versioned):
    """What was done."""

    text = serializers.CharField(max_length=LONGEST_TEXT, help_text="What was done.")


class CommentBody(Body):
    """A comment."""

    text = serializers.CharField(max_length=LONGEST_TEXT)


class ShelveBody(Versioned):
    """Until when its escalation rests, and why."""

    until = serializers.DateTimeField()
    text = serializers.CharField(max_length=300, help_text="Why.")
