"""What goes along when a controller or a tag is deleted: readings, which no page deletes by themselves."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from telemetry.models import MessageBit, Plc, PlcLink, Sample, SampleMinute, Tag

MOST = 2_000_000
"""Readings that go at once, in some three seconds; more would hold the database up for all others."""
_NAMED = 50


class DeletedWithReadings:
    """A page of controllers or tags whose readings, link and warnings are deleted along with them.

    Django would ask for the right to delete each of those, which nobody has, and load every sample.
    """

    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Return names, numbers by kind, what may not be deleted, and why none of it can be."""
        own = list(objs)
        tags = _tags_of(own)
        readings = (
            Sample.objects.filter(tag__in=tags).order_by()[: MOST + 1].count(),
            SampleMinute.objects.filter(tag__in=tags).order_by()[: MOST + 1].count(),
        )
        counts = {
            "tags": tags.count(),
            "message bits": MessageBit.objects.filter(tag__in=tags).count(),
            "samples": readings[0],
            "minutes of samples": readings[1],
        }
        foreign = {
            str(each._meta.verbose_name)  # noqa: SLF001 - Django's documented API
            for each in own
            if not self.has_delete_permission(request, each)  # type: ignore[attr-defined]  # of the page
        }
        return (
            _names(own, tags),
            {kind: many for kind, many in counts.items() if many},
            foreign,
            [_too_many(own)] if sum(readings) > MOST else [],
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            hold([obj])
            super().delete_model(request, obj)  # type: ignore[misc]  # of the page

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            hold(list(queryset))
            super().delete_queryset(request, queryset)  # type: ignore[misc]  # of the page


def hold(own: Sequence[Any]) -> None:
    """Let whoever writes a reading of these wait until they are gone: else it would keep them from going.

    The link's row comes first, as in a poll, or each would wait for the other.
    """
    tags = _tags_of(own)
    links = PlcLink.objects.filter(plc__in=tags.values("plc")).order_by("pk")
    for rows in (links, tags.order_by("pk")):
        list(rows.select_for_update().values_list("pk", flat=True))


def _tags_of(own: Sequence[Any]) -> QuerySet[Tag]:
    """The tags among these, or those of these controllers."""
    if own and isinstance(own[0], Plc):
        return Tag.objects.filter(plc__in=own)
    return Tag.objects.filter(pk__in=[each.pk for each in own])


def _names(own: Sequence[Any], tags: QuerySet[Tag]) -> list[Any]:
    """The names of what is deleted, and beneath them those of the tags of controllers."""
    named: list[Any] = [f"{capfirst(each._meta.verbose_name)}: {each}" for each in own]  # noqa: SLF001 - documented
    if own and isinstance(own[0], Plc):
        first = [f"Tag: {tag}" for tag in tags.select_related("plc")[: _NAMED + 1]]
        named.append([*first[:_NAMED], "and more"] if len(first) > _NAMED else first)
    return named


def _too_many(own: Sequence[Any]) -> str:
    those = "it" if len(own) == 1 else "them"
    return (
        f"more than {MOST} readings, which are too many to go at once. Disable {those} instead:"
        " the readings go in time, and then the rest can be deleted"
    )
