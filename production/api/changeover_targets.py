"""Endpoint of targets of changeovers, with the steps that are planned for them."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError as Wrong
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ms5.accounts.models import User
from production.actions.changeover_targets import delete_target, save_target
from production.api.acting import IDEMPOTENCY_KEY, MayAct, act, actor_of
from production.api.base import ByLine, LineLimited
from production.api.bodies import Body
from production.models import ChangeoverTarget, Line, Product, StepPlan

MOST_STEPS = 20


class StepPlanSerializer(Body, serializers.ModelSerializer[StepPlan]):
    """A step, in the order of the list."""

    class Meta:
        model = StepPlan
        fields = ("name", "kind", "minutes")


def _one_of(model: Any, help_text: str) -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(
        slug_field="code",
        queryset=model.objects.all(),
        allow_null=True,
        required=False,
        help_text=help_text,
    )


class ChangeoverTargetSerializer(Body, serializers.ModelSerializer[ChangeoverTarget]):
    """How long a changeover should take; the most particular target holds."""

    line = _one_of(Line, "Null: any line.")
    from_product = _one_of(Product, "Null: any product.")
    to_product = _one_of(Product, "Null: any product.")
    step_plans = StepPlanSerializer(many=True, required=False)

    class Meta:
        model = ChangeoverTarget
        fields = ("id", "line", "from_product", "to_product", "minutes", "step_plans")
        # The table's own rule speaks of expressions; `save_target` asks it.
        validators: ClassVar[list[Any]] = []

    def validate_step_plans(self, plans: list[Any]) -> list[Any]:
        if len(plans) > MOST_STEPS:
            raise serializers.ValidationError(f"A changeover has up to {MOST_STEPS} steps.")
        return plans

    def get_fields(self) -> Any:
        """Return the fields; lines to choose from are those the user may see."""
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None and isinstance(request.user, User):
            line: Any = fields["line"]
            line.queryset = Line.objects.visible_to(request.user)
        return fields


class ChangeoverTargetFilter(ByLine):
    """Targets of a line, or between products."""

    from_product = filters.CharFilter(field_name="from_product__code", label="Its code.")
    to_product = filters.CharFilter(field_name="to_product__code", label="Its code.")


_ACTS: dict[str, Any] = {
    "request": ChangeoverTargetSerializer,
    "parameters": [IDEMPOTENCY_KEY],
}


class ChangeoverTargets(LineLimited[ChangeoverTarget]):
    """Targets of the lines you may see, and those of any line, which only who sees every line may change."""

    queryset = ChangeoverTarget.objects.select_related(
        "line", "from_product", "to_product"
    ).prefetch_related("step_plans")
    serializer_class = ChangeoverTargetSerializer
    filterset_class = ChangeoverTargetFilter
    permission_classes = (MayAct,)
    within = "line"
    deeds: ClassVar = {
        "create": "production.add_changeovertarget",
        "partial_update": "production.change_changeovertarget",
        "destroy": "production.delete_changeovertarget",
    }

    def visible(self, rows: "QuerySet[ChangeoverTarget]") -> "QuerySet[ChangeoverTarget]":
        lines = Line.objects.visible_to(self.request.user)
        return rows.filter(Q(line__isnull=True) | Q(line__in=lines.values("pk")))

    @extend_schema(responses={201: ChangeoverTargetSerializer}, **_ACTS)
    def create(self, request: Request) -> Response:
        """Set a target for a pair of products that has none."""
        return self._save(request, None)

    @extend_schema(responses=ChangeoverTargetSerializer, **_ACTS)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a target; `step_plans`, where they are given, take the place of all that were."""
        return self._save(request, self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take a target away; what has begun keeps its own."""
        target = self.get_object()
        self._demand_reach(actor_of(request), target.line)
        delete_target(target, actor=actor_of(request))
        return Response(status=204)

    def _save(self, request: Request, target: ChangeoverTarget | None) -> Response:
        checked = self.get_serializer(target, data=request.data, partial=target is not None)
        checked.is_valid(raise_exception=True)
        said = dict(checked.validated_data)
        plans = said.pop("step_plans", None)
        user = actor_of(request)
        if target is not None:
            self._demand_reach(user, target.line)
        row = target or ChangeoverTarget()
        for name, value in said.items():
            setattr(row, name, value)
        self._demand_reach(user, row.line)
        steps = None if plans is None else [StepPlan(**plan) for plan in plans]
        try:
            return act(
                request,
                lambda actor: save_target(row, steps, actor=actor),
                self._told,
                created=target is None,
            )
        except Wrong as wrong:
            raise ValidationError(wrong.message_dict) from wrong
        except IntegrityError as taken:  # another was faster than the check before
            raise ValidationError({"detail": "There is one already."}, "unique") from taken

    def _demand_reach(self, user: User, line: Line | None) -> None:
        if line is None and not user.sees_all_lines:
            raise PermissionDenied("A target of any line is for those who see every line.")

    def _told(self, target: ChangeoverTarget) -> dict[str, Any]:
        fresh = super().get_queryset().get(pk=target.pk)
        return dict(ChangeoverTargetSerializer(fresh).data)
