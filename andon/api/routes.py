"""Under which name each endpoint is found."""

from collections.abc import Sequence

from rest_framework.viewsets import ViewSetMixin

from andon.api import calls, endpoints, policies, questions, rosters

ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    *calls.ROUTES,
    *policies.ROUTES,
    *rosters.ROUTES,
    *questions.ROUTES,
    *endpoints.ROUTES,
)
