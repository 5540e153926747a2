"""The HTTP beside the socket: health for whoever watches, and what can be heard for whoever programs."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ms5.accounts.keys import BadKey, user_of
from ms5.accounts.models import User
from ms5.events.facts import TYPES
from realtime.access import SEES_OPERATIONS
from realtime.auth import token_in
from realtime.health import report
from realtime.schemas import client_schemas, server_schemas
from realtime.targets import FORMS, HEARS


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer `ok`, `degraded` or `down`; details for those who may see operations.

    503 only when this process cannot serve: one dead PLC must not take it from behind a load balancer.
    """
    found = report(timezone.now())
    answer: dict[str, Any] = {"status": found.status}
    try:
        details = _user(request).has_perm(SEES_OPERATIONS)
    except (DatabaseError, InterfaceError):
        details = False
    if details:
        answer["parts"] = {
            part.name: {"status": part.status, "wrong": part.wrong} for part in found.parts
        }
    down = found.status == "down"
    return JsonResponse(
        answer, status=HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
    )


def _user(request: HttpRequest) -> User | AnonymousUser:
    """Return who asks, by token or by session; a wrong token is nobody, not an error."""
    header = request.headers.get("Authorization")
    if header is None:
        return request.user
    try:
        return user_of(token_in([header]), timezone.now())[0]
    except BadKey:
        return AnonymousUser()


@extend_schema(exclude=True)
@api_view(["GET"])
@permission_classes([IsAuthenticated])
def events(request: Request) -> Response:
    """Answer what can be heard: event types, subscription types with their target forms, all schemas."""
    return Response(
        {
            "events": [
                {
                    "type": row.name,
                    "kind": row.kind,
                    "description": row.description,
                    "schema": row.schema(),
                }
                for row in TYPES.values()
            ],
            "subscription_types": [
                {"type": type_, "targets": forms, "hears": HEARS[type_]}
                for type_, forms in FORMS.items()
            ],
            "messages": {"client": client_schemas(), "server": server_schemas()},
        }
    )
