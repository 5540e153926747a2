"""Endpoint of policies: within which times a call must be answered and resolved, and whom each level tells."""

from collections.abc import Mapping, Sequence
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
from rest_framework.viewsets import ViewSetMixin

from andon.actions.policies import LevelSaid, delete_policy, save_policy
from andon.choices import Category, Channel, Priority, RecipientKind
from andon.models import Duty, Policy, PolicyLevel, PolicyRecipient
from ms5.accounts.models import User
from ms5.accounts.roles import Role
from production.api.acting import IDEMPOTENCY_KEY, MayAct, act, actor_of
from production.api.base import ByLine, LineLimited
from production.api.bodies import Body
from production.models import Line

MOST_LEVELS, MOST_RECIPIENTS = 9, 20


class RecipientSerializer(Body, serializers.ModelSerializer[PolicyRecipient]):
    """Whom a level tells: everyone of a role, a person, or who is on call."""

    kind = serializers.ChoiceField(choices=RecipientKind.choices)
    role = serializers.ChoiceField(choices=Role.choices, required=False, allow_blank=True)
    person: Any = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        help_text="The name by which they sign in.",
    )
    duty: Any = serializers.SlugRelatedField(
        slug_field="name",
        queryset=Duty.objects.all(),
        required=False,
        allow_null=True,
        help_text="The name of the roster.",
    )

    class Meta:
        model = PolicyRecipient
        fields = ("kind", "role", "person", "duty")


class LevelSerializer(Body, serializers.ModelSerializer[PolicyLevel]):
    """A step of the ladder."""

    channels = serializers.ListField(
        child=serializers.ChoiceField(choices=Channel.choices), min_length=1
    )
    recipients = RecipientSerializer(many=True, required=False)

    class Meta:
        model = PolicyLevel
        fields = ("number", "after_s", "reminder_every_s", "channels", "recipients")

    def validate_recipients(self, recipients: list[Any]) -> list[Any]:
        if len(recipients) > MOST_RECIPIENTS:
            raise serializers.ValidationError(
                f"A level names up to {MOST_RECIPIENTS} recipients."
            )
        return recipients


class PolicySerializer(Body, serializers.ModelSerializer[Policy]):
    """When a call must be answered and resolved; the most particular policy in use holds."""

    line: Any = serializers.SlugRelatedField(
        slug_field="code",
        queryset=Line.objects.all(),
        allow_null=True,
        required=False,
        help_text="Null: any line.",
    )
    levels = LevelSerializer(many=True, required=False)

    class Meta:
        model = Policy
        fields = (
            "id",
            "name",
            "priority",
            "category",
            "line",
            "acknowledge_within_s",
            "resolve_within_s",
            "is_active",
            "levels",
        )
        # The table's own rule speaks of expressions; `save_policy` asks it.
        validators: ClassVar[list[Any]] = []

    def validate_levels(self, levels: list[Any]) -> list[Any]:
        numbers = [level["number"] for level in levels]
        if numbers != list(range(1, len(levels) + 1)) or len(levels) > MOST_LEVELS:
            raise serializers.ValidationError(
                f"Levels are numbered from 1 without gaps, up to {MOST_LEVELS}."
            )
        return levels

    def get_fields(self) -> Any:
        """Return the fields; lines to choose from are those the user may see."""
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None and isinstance(request.user, User):
            line: Any = fields["line"]
            line.queryset = Line.objects.visible_to(request.user)
        return fields


class PolicyFilter(ByLine):
    """Policies of a line, a priority or a category, in use or not."""

    priority = filters.ChoiceFilter(choices=Priority.choices)
    category = filters.ChoiceFilter(choices=Category.choices)
    is_active = filters.BooleanFilter()


_ACTS: dict[str, Any] = {"request": PolicySerializer, "parameters": [IDEMPOTENCY_KEY]}


class Policies(LineLimited[Policy]):
    """Policies of the lines you may see, and those of any line, which only who sees every line may change."""

    queryset = Policy.objects.select_related("line").prefetch_related(
        "levels__recipients__person", "levels__recipients__duty"
    )
    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    search_fields = ("name",)
    permission_classes = (MayAct,)
    within = "line"
    deeds: ClassVar = {
        "create": "andon.add_policy",
        "partial_update": "andon.change_policy",
        "destroy": "andon.delete_policy",
    }

    def visible(self, rows: "QuerySet[Policy]") -> "QuerySet[Policy]":
        lines = Line.objects.visible_to(self.request.user)
        return rows.filter(Q(line__isnull=True) | Q(line__in=lines.values("pk")))

    @extend_schema(responses={201: PolicySerializer}, **_ACTS)
    def create(self, request: Request) -> Response:
        """Add a policy with its levels."""
        return self._save(request, None)

    @extend_schema(responses=PolicySerializer, **_ACTS)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a policy; `levels`, where they are given, take the place of all that were."""
        return self._save(request, self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take a policy away; running calls keep theirs."""
        policy = self.get_object()
        demand_reach(actor_of(request), policy.line, "A policy")
        delete_policy(policy, actor=actor_of(request))
        return Response(status=204)

    def _save(self, request: Request, policy: Policy | None) -> Response:
        checked = self.get_serializer(policy, data=request.data, partial=policy is not None)
        checked.is_valid(raise_exception=True)
        said = dict(checked.validated_data)
        levels = said.pop("levels", None)
        user = actor_of(request)
        if policy is not None:
            demand_reach(user, policy.line, "A policy")
        row = policy or Policy()
        for name, value in said.items():
            setattr(row, name, value)
        demand_reach(user, row.line, "A policy")
        rows = None if levels is None else [_level(level) for level in levels]
        try:
            return act(
                request,
                lambda actor: save_policy(row, rows, actor=actor),
                self._told,
                created=policy is None,
            )
        except Wrong as wrong:
            raise ValidationError(wrong.message_dict) from wrong
        except IntegrityError as taken:  # another was faster than the check before
            raise ValidationError({"detail": "There is one already."}, "unique") from taken

    def _told(self, policy: Policy) -> dict[str, Any]:
        fresh = super().get_queryset().get(pk=policy.pk)
        return dict(PolicySerializer(fresh).data)


def demand_reach(user: User, line: Line | None, what: str) -> None:
    """Raise PermissionDenied for what concerns any line, unless the user sees every one."""
    if line is None and not user.sees_all_lines:
        raise PermissionDenied(f"{what} of any line is for those who see every line.")


def _level(said: Mapping[str, Any]) -> LevelSaid:
    fields = {name: value for name, value in said.items() if name != "recipients"}
    recipients = [PolicyRecipient(**each) for each in said.get("recipients", ())]
    return LevelSaid(PolicyLevel(**fields), recipients)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (("andon/policies", Policies),)
