"""Endpoints of duties and their rosters, and of the rules that raise calls."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from andon.api.policies import demand_reach
from andon.choices import RuleKind
from andon.models import Duty, RosterEntry, Rule
from ms5.accounts.models import User
from production.api.acting import actor_of
from production.api.base import NUMBER_IN_URL, ByLine, FilterSet
from production.api.edited import CleanedSerializer, Edited
from production.models import Equipment, Line, Reason, Shift, Site


def _one_of(model: Any, help_text: str, slug_field: str = "code") -> Any:
    # The field is generic in the related model, which its reader never sees.
    return serializers.SlugRelatedField(
        slug_field=slug_field,
        queryset=model.objects.all(),
        allow_null=True,
        required=False,
        help_text=help_text,
    )


class _Seen(CleanedSerializer[Any]):
    """What may name a line; lines, equipment and shifts to choose from are those the user may see."""

    def get_fields(self) -> Any:
        fields: Any = super().get_fields()
        request = self.context.get("request")
        # The schema is drawn up for nobody.
        if request is None or not isinstance(request.user, User):
            return fields
        lines = Line.objects.visible_to(request.user)
        fields["line"].queryset = lines
        if "equipment" in fields:
            fields["equipment"].queryset = Equipment.objects.visible_to(request.user)
        if "shift" in fields and not request.user.sees_all_lines:
            sites = lines.values("area__site")
            fields["shift"].queryset = Shift.objects.filter(
                Q(line__in=lines.values("pk")) | Q(line=None, site__in=sites)
            )
        return fields


class DutySerializer(CleanedSerializer[Duty]):
    """A named roster."""

    class Meta:
        model = Duty
        fields = ("id", "name")


class DutyFilter(FilterSet):
    """Duties by name."""

    name = filters.CharFilter(lookup_expr="icontains", label="A part of the name.")


class Duties(Edited[Duty]):
    """Named rosters, such as "maintenance on call"."""

    queryset = Duty.objects.all()
    serializer_class = DutySerializer
    filterset_class = DutyFilter
    lookup_value_regex = NUMBER_IN_URL


class RosterEntrySerializer(_Seen):
    """A person has a duty in a shift, or between two times of the wall clock of the site."""

    duty: Any = serializers.SlugRelatedField(slug_field="name", queryset=Duty.objects.all())
    person: Any = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        help_text="The name by which they sign in.",
    )
    site = _one_of(Site, "Null: every site.")
    line = _one_of(Line, "Null: every line.")

    class Meta:
        model = RosterEntry
        fields = (
            "id",
            "duty",
            "person",
            "site",
            "line",
            "shift",
            "weekdays",
            "starts",
            "ends",
            "first_day",
            "last_day",
        )


class _OfAnyLine(Edited[Any]):
    """Rows of the lines you may see, and those of any line, which only who sees every line may change."""

    line_code_path = "line.code"
    lookup_value_regex = NUMBER_IN_URL
    what = ""

    def get_queryset(self) -> "QuerySet[Any]":
        lines = Line.objects.visible_to(self.request.user)
        return super().get_queryset().filter(Q(line=None) | Q(line__in=lines.values("pk")))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._demand_reach_of_body(request)
        return super().create(request, *args, **kwargs)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        demand_reach(actor_of(request), self.get_object().line, self.what)
        if "line" in request.data:
            self._demand_reach_of_body(request)
        return super().update(request, *args, **kwargs)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        demand_reach(actor_of(request), self.get_object().line, self.what)
        return super().destroy(request, *args, **kwargs)

    def _demand_reach_of_body(self, request: Request) -> None:
        user = actor_of(request)
        named = request.data.get("line") if isinstance(request.data, dict) else None
        if named is None or not isinstance(named, str):
            demand_reach(user, None, self.what)


class RosterFilter(ByLine):
    """Entries of a duty, of a person, or for a line."""

    duty = filters.CharFilter(field_name="duty__name", label="Name of the duty.")
    person = filters.CharFilter(field_name="person__username", label="Their user name.")


class Roster(_OfAnyLine):
    """Who is on call when."""

    queryset = RosterEntry.objects.select_related("duty", "person", "site", "line")
    serializer_class = RosterEntrySerializer
    filterset_class = RosterFilter
    what = "A roster entry"


class RuleSerializer(_Seen):
    """When the system raises a call by itself."""

    line = _one_of(Line, "Null: every line.")
    equipment = _one_of(Equipment, "Null: every equipment.")
    reason = _one_of(Reason, "Of message bits and stops: only this reason. Null: any.")

    class Meta:
        model = Rule
        fields = (
            "id",
            "name",
            "kind",
            "line",
            "equipment",
            "message",
            "least_severity",
            "reason",
            "category",
            "priority",
            "text",
            "delay_s",
            "quiet_in_changeover",
            "quiet_in_planned_stop",
            "quiet_in_breaks",
            "quiet_behind_a_stop",
            "is_active",
        )


class RuleFilter(ByLine):
    """Rules of a kind, in use or not."""

    kind = filters.ChoiceFilter(choices=RuleKind.choices)
    is_active = filters.BooleanFilter()


class Rules(_OfAnyLine):
    """Rules that raise calls."""

    queryset = Rule.objects.select_related("line", "equipment", "reason")
    serializer_class = RuleSerializer
    filterset_class = RuleFilter
    what = "A rule"


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("andon/duties", Duties),
    ("andon/roster", Roster),
    ("andon/rules", Rules),
)
