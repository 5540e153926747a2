"""Endpoints of calls: who needs help where, and the moves of people as POST."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSetMixin

from andon import clock
from andon.actions import calls, shelving
from andon.actions.guards import ANSWER, RAISE, SHELVE
from andon.api import call_bodies as bodies
from andon.choices import CallStatus, Category, Priority
from andon.models import AndonCall
from andon.usual import usual_priority
from production.api.acting import IDEMPOTENCY_KEY, MayAct, Versioned, act
from production.api.base import ByLine, LineLimited, moment


class CallFilter(ByLine):
    """Calls of a line or an equipment, of a kind, over or not, raised in a half-open window."""

    equipment = filters.CharFilter(field_name="equipment__code", label="Code of the equipment.")
    status = filters.MultipleChoiceFilter(choices=CallStatus.choices)
    category = filters.MultipleChoiceFilter(choices=Category.choices)
    priority = filters.MultipleChoiceFilter(choices=Priority.choices)
    raised_by = filters.CharFilter(field_name="raised_by__username", label="Their user name.")
    rule = filters.CharFilter(field_name="rule__name", label="Name of the rule.")
    open = filters.BooleanFilter(
        field_name="ended_at", lookup_expr="isnull", label="Whether it is not over."
    )
    after = moment("raised_at", "gte", "Raised at or after this time.")
    before = moment("raised_at", "lt", "Raised before this time.")


_ACTS: dict[str, Any] = {
    "responses": bodies.WholeCallSerializer,
    "parameters": [IDEMPOTENCY_KEY],
}


class Calls(LineLimited[AndonCall]):
    """Calls, the newest first. Who raised one may cancel it; who answers calls moves it on."""

    queryset = AndonCall.objects.whole()
    serializer_class = bodies.CallSerializer
    filterset_class = CallFilter
    search_fields = ("description", "resolution")
    permission_classes = (MayAct,)
    within = "line"
    deeds: ClassVar = {
        **dict.fromkeys(("create", "cancel", "comment"), RAISE),
        **dict.fromkeys(("acknowledge", "arrive", "resolve"), ANSWER),
        **dict.fromkeys(("shelve", "unshelve"), SHELVE),
    }

    def get_queryset(self) -> "QuerySet[AndonCall]":
        rows = super().get_queryset()
        if self.action == "list":
            return rows
        return rows.prefetch_related("events__by", "escalation__steps")

    def get_serializer_class(self) -> Any:
        return bodies.CallSerializer if self.action == "list" else bodies.WholeCallSerializer

    @extend_schema(
        request=bodies.RaiseBody, **{**_ACTS, "responses": {201: bodies.WholeCallSerializer}}
    )
    def create(self, request: Request) -> Response:
        """Call for help. While the same call is open this counts as an occurrence of it."""
        said = _said(bodies.RaiseBody, request)
        line = said.pop("line")
        priority = said.pop("priority", None) or usual_priority(said["category"])
        return act(
            request,
            lambda user: calls.raise_call(
                line, priority=priority, actor=user, at=clock.now(), **said
            ),
            self._told,
            created=True,
        )

    @extend_schema(request=bodies.SayBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that you are coming; 409 tells who was faster."""
        return self._move(request, calls.acknowledge, bodies.SayBody)

    @extend_schema(request=bodies.SayBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def arrive(self, request: Request, pk: str) -> Response:
        """Say that you are there; that answers it too, if nobody had."""
        return self._move(request, calls.arrive, bodies.SayBody)

    @extend_schema(request=bodies.ResolveBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Say that it is done, and what was."""
        return self._move(request, calls.resolve, bodies.ResolveBody)

    @extend_schema(request=bodies.SayBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Call your own call off."""
        return self._move(request, calls.cancel, bodies.SayBody)

    @extend_schema(request=bodies.CommentBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, pk: str) -> Response:
        """Say something about it, over or not."""
        return self._move(request, calls.comment, bodies.CommentBody)

    @extend_schema(request=bodies.ShelveBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def shelve(self, request: Request, pk: str) -> Response:
        """Let its escalation rest until then, when it climbs anew; never of a critical call."""
        return self._move(request, shelving.shelve, bodies.ShelveBody)

    @extend_schema(request=Versioned, **_ACTS)
    @action(detail=True, methods=["post"])
    def unshelve(self, request: Request, pk: str) -> Response:
        """Take it off the shelf before its time."""
        return self._move(request, shelving.unshelve, Versioned)

    def _move(self, request: Request, move: Any, body: type[Serializer[Any]]) -> Response:
        said = _said(body, request)
        call = self.get_object()
        return act(
            request,
            lambda user: move(call, actor=user, at=clock.now(), **said),
            self._told,
        )

    def _told(self, call: AndonCall) -> dict[str, Any]:
        """Return it as the detail shows it, read anew with what hangs on it."""
        fresh = self.get_queryset().get(pk=call.pk)
        return dict(bodies.WholeCallSerializer(fresh).data)


def _said(body: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return what the body says, checked."""
    checked = body(data=request.data, context={"request": request})
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (("andon/calls", Calls),)
