"""Routes of `/api/v1/`, and who may read which stream of the log."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

import andon.api
import production.api
import telemetry.api
import telemetry.explain_api
from ms5.accounts.api import Me, Tokens
from ms5.accounts.permissions import MayRead
from ms5.events.api import Events
from production.api.base import CODE_IN_URL
from production.visibility import codes_visible_to, may_read_line
from realtime.board_api import LineBoard
from realtime.ticket_api import Tickets
from realtime.views import health


class Router(DefaultRouter):
    """No `.json` at the end of a path: codes have dots."""

    include_format_suffixes = False


class Nothing(APIView):
    """What is not there is told as JSON too."""

    permission_classes = [IsAuthenticated]
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


class PlantTokens(Tokens):
    """My own tokens; they can be limited to lines that I see."""

    lines_of = staticmethod(codes_visible_to)


router = Router()
for prefix, viewset in (
    *production.api.ROUTES,
    *telemetry.api.ROUTES,
    *telemetry.explain_api.ROUTES,
    *andon.api.ROUTES,
):
    router.register(prefix, viewset, basename=prefix)
router.register("tokens", PlantTokens, basename="tokens")

app_name = "api"
urlpatterns = [
    path("health/", health, name="health"),
    path("me/", Me.as_view(lines_of=codes_visible_to), name="me"),
    path("ws-tickets/", Tickets.as_view(), name="ws-tickets"),
    path(
        "events/",
        Events.as_view(may_read=may_read_line, permission_classes=[MayRead]),
        name="events",
    ),
    re_path(rf"^lines/(?P<code>{CODE_IN_URL})/board/$", LineBoard.as_view(), name="line-board"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("schema/docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    path("", include(router.urls)),
    # Only with its slash, so that a path that lacks one is still led to the path that has it.
    re_path(r"^.*/$", Nothing.as_view()),
]
