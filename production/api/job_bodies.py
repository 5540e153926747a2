"""How a job looks as JSON, and what the bodies of its actions say."""

from typing import Any

from rest_framework import serializers

from ms5.accounts.models import User
from production.actions.job_queue import MOST_PIECES
from production.api.acting import Versioned
from production.api.bodies import Body, VisibleCode
from production.jobs import progress
from production.models import Job, Line, Product

LONGEST_TEXT = 300


def _code() -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(slug_field="code", read_only=True)


class JobSerializer(serializers.ModelSerializer[Job]):
    """An order for a line; it is over when `ended_at` is set."""

    line = _code()
    product = _code()
    operator: Any = serializers.SlugRelatedField(
        slug_field="username", read_only=True, help_text="To whom it is assigned."
    )
    operator_name = serializers.StringRelatedField[User](source="operator")
    progress = serializers.SerializerMethodField(
        help_text="good / target, a fraction; null without a target."
    )
    by = serializers.StringRelatedField[User](help_text="Null: the system.")

    class Meta:
        model = Job
        fields = (
            "id",
            "line",
            "number",
            "product",
            "target",
            "completes_at_target",
            "status",
            "position",
            "operator",
            "operator_name",
            "good",
            "reject",
            "progress",
            "planned_start_at",
            "planned_end_at",
            "assigned_at",
            "accepted_at",
            "started_at",
            "paused_at",
            "ended_at",
            "pause_reason",
            "cancel_reason",
            "note",
            "by",
            "version",
        )

    def get_progress(self, job: Job) -> float | None:
        return progress(job.good, job.target)


class Wanted(Body):
    """What can be said of a job before it begins."""

    number = serializers.CharField(
        max_length=60, help_text="Unique, such as an order's number."
    )
    product: Any = serializers.SlugRelatedField(
        slug_field="code", queryset=Product.objects.all(), help_text="Code of the product."
    )
    target = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_PIECES,
        help_text="Good pieces wanted; null: no end is set.",
    )
    completes_at_target = serializers.BooleanField(required=False)
    planned_start_at = serializers.DateTimeField(required=False, allow_null=True)
    planned_end_at = serializers.DateTimeField(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_TEXT)


class PlanBody(Wanted):
    """A new job, at the end of its line's queue."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk", help_text="Code of the line.")


class ChangeBody(Wanted, Versioned):
    """What is changed; what is left out stays."""


class AssignBody(Versioned):
    """To whom it is given; null: it is taken back."""

    operator: Any = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        allow_null=True,
        help_text="The name by which they sign in; null takes the job back.",
    )


class PauseBody(Versioned):
    """Why it rests."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_TEXT)


class CancelBody(Versioned):
    """Why it is called off."""

    reason = serializers.CharField(max_length=LONGEST_TEXT)


class NoteBody(Versioned):
    """What is noted; empty takes the note away."""

    note = serializers.CharField(allow_blank=True, max_length=LONGEST_TEXT)


class ReorderBody(Body):
    """The jobs of a line's queue, all of them, in the order they are to have."""

    line = VisibleCode(queryset=Line.objects.all(), within="pk", help_text="Code of the line.")
    jobs = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**53 - 1),
        max_length=1000,
        allow_empty=True,
    )


class QueueSerializer(serializers.Serializer[Any]):
    """The queue of a line: the ids of its jobs, the next one first."""

    line = serializers.CharField()
    jobs = serializers.ListField(child=serializers.IntegerField())
