"""`GET /metrics`: Prometheus' text, for those who may see operations."""

import ipaddress
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ms5.accounts.models import User
from ms5.accounts.roles import SEES_OPERATIONS
from realtime.collector import Everything
from realtime.who import who_asks

# Any of them says that the one who asks sits elsewhere, and a proxy of ours on the loopback.
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer all metrics: 401 without a credential, 403 without the permission, 503 if neither can be told.

    With MS5_METRICS_OPEN=1 whoever asks from this machine itself needs neither.
    """
    user: User | None = None
    if not _is_open_to(request):
        try:
            asking = who_asks(request)
            if isinstance(asking, AnonymousUser):
                return HttpResponse(
                    "Show a token of someone who may see operations.\n",
                    status=HTTPStatus.UNAUTHORIZED,
                    headers={"WWW-Authenticate": "Token"},
                    content_type="text/plain",
                )
            if not asking.has_perm(SEES_OPERATIONS):
                return HttpResponse(
                    "This is for those who may see operations.\n",
                    status=HTTPStatus.FORBIDDEN,
                    content_type="text/plain",
                )
        except (DatabaseError, InterfaceError):
            return HttpResponse(
                "The database is away.\n",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                content_type="text/plain",
            )
        user = asking
    registry = CollectorRegistry()
    registry.register(Everything(user, timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_open_to(request: HttpRequest) -> bool:
    if not settings.METRICS_OPEN or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a unix socket: a proxy is before us
        return False
