"""Reads that chain."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from ms5.accounts.models import User

    # Bases below name them in strings, which Ruff does not read.
    from production.models.floor import Equipment, IdealCycle, Line  # noqa: F401 - see above
    from production.models.records import Count, Fault, Span, Tally  # noqa: F401 - see above


class LineQuerySet(models.QuerySet["Line"]):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Keep the lines this user may see, and their token reaches; none for one who is not active."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        own = self if user.all_lines else self.filter(pk__in=user.line_access.values("line"))
        if user.token is None or user.token.lines is None:
            return own
        return own.filter(code__in=user.token.lines)


class EquipmentQuerySet(models.QuerySet["Equipment"]):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Keep the equipment of the lines this user may see."""
        from production.models import Line  # noqa: PLC0415 - models import this module

        return self.filter(line__in=Line.objects.visible_to(user))

    def in_flow_order(self) -> Self:
        return self.order_by("line__position", "line__code", "position", "code")


class IdealCycleQuerySet(models.QuerySet["IdealCycle"]):
    def in_force(self, at: datetime) -> Self:
        """Newest first of those that had taken effect at `at`."""
        return self.filter(effective_from__lte=at).order_by("-effective_from")


class LiveManager(models.Manager[Any]):
    """Rows that no correction has superseded."""

    def get_queryset(self) -> "models.QuerySet[Any]":
        return super().get_queryset().filter(superseded_by__isnull=True)


class SpanQuerySet(models.QuerySet["Span"]):
    def open(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def within(self, start: datetime, end: datetime) -> Self:
        """Keep the spans that share time with the half-open window."""
        return self.filter(Q(ended_at__gt=start) | Q(ended_at__isnull=True), started_at__lt=end)


class FaultQuerySet(models.QuerySet["Fault"]):
    def open(self) -> Self:
        return self.filter(cleared_at__isnull=True)


class CountQuerySet(models.QuerySet["Count"]):
    def within(self, start: datetime, end: datetime) -> Self:
        """Keep the increments that were read in the window: after `start`, up to and with `end`.

        An increment was made before it was read, so it belongs to the time that its reading ends.
        """
        return self.filter(at__gt=start, at__lte=end)


class TallyQuerySet(models.QuerySet["Tally"]):
    def within(self, start: datetime, end: datetime) -> Self:
        """Keep the quarters that begin in the half-open window."""
        return self.filter(started_at__gte=start, started_at__lt=end)
