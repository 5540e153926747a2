"""The Content-Security-Policy of every response: ours strict, the admin's with what its theme needs."""

import logging
from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)

_STRICT = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self' {socket};"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
# The admin theme evaluates expressions (Alpine) and styles inline; the browsable API does the latter.
_RELAXED = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
_RELAXED_PATHS = ("/admin/", "/api/v1/schema/")


class OutOfRange:
    """Middleware: a number, date or text that no database can be asked for is a bad request, not a crash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 400 to what the request's own words caused; all else goes on to be a 500."""
        if not isinstance(error, OverflowError | DataError) and not (
            isinstance(error, ValueError) and "NUL" in str(error)
        ):
            return None
        log.warning("out of range", extra={"path": request.path, "error": str(error)})
        return HttpResponse("A value in the request is out of range.", status=400)


class ContentSecurityPolicy:
    """Middleware: no inline script, no foreign origin; a page that sets its own policy keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(_RELAXED_PATHS):
            policy = _RELAXED
        else:
            # Browsers differ on whether 'self' covers ws: on the same host.
            scheme = "wss" if request.is_secure() else "ws"
            policy = _STRICT.format(socket=f"{scheme}://{request.get_host()}")
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
