"""The admin's page "Is it alive?": drawn by the server, and refreshed by a script from the same rows."""

from dataclasses import asdict
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ms5.accounts.models import User
from ms5.accounts.roles import SEES_OPERATIONS
from realtime.health import as_seen_by, latest
from realtime.vitals import told

_WORDS = {
    "ok": "All is well.",
    "degraded": "It serves, and something is wrong.",
    "down": "This web process cannot serve.",
}


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Show the page; without scripts it is right as of its loading."""
    context = {**admin.site.each_context(request), "title": "Is it alive?", **_now(request)}
    return TemplateResponse(request, "admin/alive.html", context)


@require_safe
@never_cache
def alive_now(request: HttpRequest) -> JsonResponse:
    """Answer what the page shows, as of now."""
    return JsonResponse(_now(request))


def _now(request: HttpRequest) -> dict[str, Any]:
    user = cast("User", request.user)  # the admin lets in nobody else
    if not user.has_perm(SEES_OPERATIONS):
        raise PermissionDenied
    found = latest.get()
    return {
        "status": found.status,
        "sentence": _WORDS[found.status],
        "checked_at": found.checked_at.isoformat(timespec="milliseconds"),
        "checked_clock": f"{found.checked_at:%H:%M:%S}",
        "tables": [
            asdict(table) for table in told(user, as_seen_by(user, found), timezone.now())
        ],
    }
