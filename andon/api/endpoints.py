"""Endpoints and contacts over HTTP: whether they are reached, and a test to send."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet, ViewSetMixin

from andon.models import Contact, Endpoint
from andon.trials import try_out
from production.api.acting import MayAct, actor_of
from production.api.base import NUMBER_IN_URL
from production.models import Line

E = TypeVar("E", Endpoint, Contact)
_REACHED = ("is_active", "last_ok_at", "last_error", "last_error_at", "failures")


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """An endpoint, without its address and its secret: both may be as good as a password."""

    class Meta:
        model = Endpoint
        fields = ("id", "name", "kind", *_REACHED)


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """Where a person is reached, without the address."""

    user = serializers.CharField(source="user.username")

    class Meta:
        model = Contact
        fields = ("id", "user", "kind", *_REACHED)


class TriedSerializer(serializers.Serializer[Any]):
    """How a test went, as a sentence."""

    ok = serializers.BooleanField()
    sentence = serializers.CharField()


class _Ends(ReadOnlyModelViewSet[E], Generic[E]):
    permission_classes = (MayAct,)
    lookup_value_regex = NUMBER_IN_URL

    @extend_schema(request=None, responses=TriedSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a test and tell within seconds whether it was taken. Each request sends one."""
        (tried,) = try_out([self.get_object()], actor_of(request))
        return Response({"ok": not tried.error, "sentence": tried.sentence})


class Endpoints(_Ends[Endpoint]):
    """Named addresses that calls are sent to, for those who see every line they are told of."""

    queryset = Endpoint.objects.order_by("name")
    serializer_class = EndpointSerializer
    search_fields = ("name",)
    deeds: ClassVar = {"test": "andon.change_endpoint"}

    def get_queryset(self) -> "QuerySet[Endpoint]":
        rows, user = super().get_queryset(), actor_of(self.request)
        if user.sees_all_lines:
            return rows
        foreign = Line.objects.exclude(pk__in=Line.objects.visible_to(user).values("pk"))
        return rows.exclude(lines__in=foreign).exclude(lines__isnull=True)


class Contacts(_Ends[Contact]):
    """Where people are reached: everybody's for those who see every line, else one's own."""

    queryset = Contact.objects.select_related("user").order_by("pk")
    serializer_class = ContactSerializer
    search_fields = ("user__username",)
    deeds: ClassVar = {"test": "andon.change_contact"}

    def get_queryset(self) -> "QuerySet[Contact]":
        rows, user = super().get_queryset(), actor_of(self.request)
        return rows if user.sees_all_lines else rows.filter(user=user)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("andon/endpoints", Endpoints),
    ("andon/contacts", Contacts),
)
