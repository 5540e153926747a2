"""The HTTP beside the socket: health for whoever watches, and what can be heard for whoever programs."""

from http import HTTPStatus
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ms5.accounts.roles import SEES_OPERATIONS
from ms5.events.facts import TYPES
from realtime.health import as_seen_by, latest
from realtime.schemas import client_schemas, server_schemas
from realtime.targets import FORMS, HEARS
from realtime.who import who_asks


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer `ok`, `degraded` or `down`; details for those who may see operations.

    503 only when this process cannot serve: one dead PLC must not take it from behind a load balancer.
    """
    found = latest.get()
    answer: dict[str, Any] = {
        "status": found.status,
        "checked_at": found.checked_at.isoformat(timespec="milliseconds"),
    }
    try:
        user = who_asks(request)
        if user.has_perm(SEES_OPERATIONS):
            answer["parts"] = {
                part.name: {"status": part.status, "wrong": part.wrong}
                for part in as_seen_by(user, found)
            }
    except (DatabaseError, InterfaceError):
        pass  # nobody can be known; the short answer is for everyone
    down = found.status == "down"
    return JsonResponse(
        answer, status=HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
    )


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
                    "family": row.family,
                    "subject": row.subject,
                    "ended_when": row.ended_when,
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
