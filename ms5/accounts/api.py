"""Who I am, and my tokens, over HTTP."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from ms5.accounts.actions import issue_token, revoke_token
from ms5.accounts.models import ApiToken, User
from ms5.accounts.roles import Role, TokenScope
from ms5.accounts.tokens import TokenAuthentication


def no_lines(_user: User) -> Sequence[str]:
    """Name no line; whoever routes to the view says which ones a user may see."""
    return ()


class MeSerializer(serializers.Serializer[dict[str, Any]]):
    """Who is asking, what they may do, and where."""

    username = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    all_lines = serializers.BooleanField()
    lines = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry is untyped
    """What the schema says about keys."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token ms5_...`: the word, a space, the key.",
        }


class Me(APIView):
    """Who I am: my role, the lines I may see, and what I may do there."""

    permission_classes = [IsAuthenticated]
    lines_of: Callable[[Any], Sequence[str]] = staticmethod(no_lines)

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        user = cast("User", request.user)
        me = {
            "username": user.username,
            "name": str(user),
            "role": user.role,
            "all_lines": user.sees_all_lines,
            "lines": list(self.lines_of(user)),
            "permissions": sorted(user.get_all_permissions()),
        }
        return Response(MeSerializer(me).data)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token; its key is in the answer that made it, and nowhere else.

    `lines` names those it is limited to; null for all that its user sees.
    """

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=TokenScope.choices),
        allow_empty=False,
        required=False,
        max_length=len(TokenScope),
    )
    lines = serializers.ListField(
        child=serializers.CharField(max_length=64),
        allow_empty=False,
        allow_null=True,
        required=False,
        max_length=1000,
    )

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "lines",
            "kiosk",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        )
        read_only_fields = ("prefix", "last_used_at", "revoked_at")

    def validate_expires_at(self, expires_at: Any) -> Any:
        if expires_at is not None and expires_at <= timezone.now():
            raise serializers.ValidationError("This moment has passed; choose a later one.")
        return expires_at

    def validate_lines(self, lines: list[str] | None) -> list[str] | None:
        unseen = set(lines or ()) - set(self.context.get("lines", ()))
        if unseen:
            names = ", ".join(sorted(unseen))
            raise serializers.ValidationError(f"You see no such line: {names}.")
        return None if lines is None else sorted(set(lines))


class NewTokenSerializer(TokenSerializer):
    """A token with its key."""

    key = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "key")


class Tokens(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    """My own tokens: list them, make one (its key is shown once), revoke one."""

    queryset = ApiToken.objects.all()
    serializer_class = TokenSerializer
    lookup_value_regex = "[0-9]{1,18}"
    lines_of: Callable[[Any], Sequence[str]] = staticmethod(no_lines)

    def get_queryset(self) -> "QuerySet[ApiToken]":
        if not self.request.user.is_authenticated:
            return super().get_queryset().none()
        return super().get_queryset().filter(user=self.request.user)

    @extend_schema(request=TokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        me = cast("User", request.user)
        asked = TokenSerializer(data=request.data, context={"lines": self.lines_of(me)})
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        token, key = issue_token(
            me,
            me,
            wanted["name"],
            wanted.get("expires_at"),
            scopes=wanted.get("scopes"),
            lines=wanted.get("lines"),
            kiosk=wanted.get("kiosk", False),
        )
        made = {**TokenSerializer(token).data, "key": key}
        return Response(made, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke it at once. It stays in the list, and revoking it again changes nothing."""
        revoke_token(cast("User", request.user), self.get_object(), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
