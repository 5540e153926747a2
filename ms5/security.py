"""The Content-Security-Policy of every response: ours strict, the admin's with what its theme needs."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
