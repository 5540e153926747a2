"""Under which name each endpoint is found."""

from collections.abc import Sequence

from rest_framework.viewsets import ViewSetMixin

from production.api import (
    calendar,
    changeovers,
    corrections,
    downtimes,
    jobs,
    oee,
    quality,
    views,
)

ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (
    ("sites", views.Sites),
    ("areas", views.Areas),
    ("lines", views.Lines),
    ("equipment", views.EquipmentView),
    ("products", views.Products),
    ("ideal-cycles", views.IdealCycles),
    ("conditions", views.Conditions),
    ("spans", views.Spans),
    ("counters", views.Counters),
    ("counts", views.Counts),
    ("tallies", views.Tallies),
    ("faults", views.Faults),
    ("contexts", views.Contexts),
    ("context-changes", views.ContextChanges),
    *calendar.ROUTES,
    *jobs.ROUTES,
    *downtimes.ROUTES,
    *changeovers.ROUTES,
    *quality.ROUTES,
    *corrections.ROUTES,
    *oee.ROUTES,
)
