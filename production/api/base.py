"""Endpoints that show a user only what hangs on the lines they may see; anything else is 404."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db import models
from django_filters import rest_framework as filters
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from production.api.bodies import demand_known_parameters
from production.visibility import limited

Row = TypeVar("Row", bound=models.Model)

if TYPE_CHECKING:

    class FilterSet:
        """Published without types; ours have only class attributes."""
else:
    FilterSet = filters.FilterSet

# A router's default stops at a dot, and codes of equipment have dots. PostgreSQL refuses a NUL with an error.
CODE_IN_URL = r"[^/\x00]+"
NUMBER_IN_URL = "[0-9]{1,18}"


if TYPE_CHECKING:
    AnyView = GenericViewSet[Any]
else:
    AnyView = object


class KnownParameters(AnyView):
    """Reads that refuse a parameter they do not know, rather than answer as if it had not been asked."""

    def filter_queryset(self, queryset: Any) -> Any:
        if self.request.method == "GET" and not self.detail:
            demand_known_parameters(self.request, self._known_parameters(queryset))
        return super().filter_queryset(queryset)

    def _known_parameters(self, rows: Any) -> set[str]:
        known = {"format", "ordering"}
        backend = filters.DjangoFilterBackend()
        narrowing = backend.get_filterset_class(self, rows)
        if narrowing is not None:
            known |= set(narrowing.base_filters)
        if getattr(self, "search_fields", None):
            known.add("search")
        if self.paginator is not None:
            known |= {"page", "page_size"}
        return known


class LineLimited(KnownParameters, ReadOnlyModelViewSet[Row]):
    """List and detail of what belongs to a line. `within` is the query path to it."""

    within: ClassVar[str]
    lookup_value_regex = NUMBER_IN_URL

    def get_queryset(self) -> "models.QuerySet[Row]":
        return self.visible(super().get_queryset())

    def visible(self, rows: "models.QuerySet[Row]") -> "models.QuerySet[Row]":
        return limited(rows, self.request.user, self.within)


class ByLine(FilterSet):
    """`?line=` by the line's code. A foreign code finds nothing, as one that does not exist."""

    line = filters.CharFilter(field_name="line__code", label="Code of the line.")


class ByEquipment(FilterSet):
    """`?line=` and `?equipment=` by their codes."""

    line = filters.CharFilter(field_name="equipment__line__code", label="Code of the line.")
    equipment = filters.CharFilter(field_name="equipment__code", label="Code of the equipment.")


def moment(field: str, lookup: str, label: str) -> Any:
    """Return a filter by an ISO 8601 time; windows are half open: `after` counts, `before` does not."""
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr=lookup, label=label)
