"""What every page about the past has: its lines, its period, its query, and its table as CSV."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from ms5.accounts.models import User
from production.calendars import calendar_of
from production.models import Line
from production.querysets import LineQuerySet
from production.windows import present
from realtime.periods import BadPeriod, Period, period_of


def visible_lines(request: HttpRequest) -> LineQuerySet:
    """Return the lines who asks may see, with their sites."""
    user = cast("User", request.user)
    return Line.objects.visible_to(user).select_related("area__site")


def period_asked(request: HttpRequest, line: Line) -> tuple[Period, str]:
    """Return the period asked for, or the present shift and what was wrong with the question."""
    calendar, now = calendar_of(line), timezone.now()
    try:
        return period_of(request.GET, calendar, now), ""
    except BadPeriod as bad:
        window = present(calendar, now)
        name = window.name or "Today"
        return (
            Period("shift", name, window.started_at, window.ended_at, calendar.zone),
            str(bad),
        )


def admin_url(request: HttpRequest) -> str:
    """Return the way to the admin, for those who may go there."""
    return reverse("admin:index") if cast("User", request.user).is_staff else ""


def clock(period: Period, now: datetime) -> str:
    """Return when the page was made, by the wall clock of its site."""
    return f"{now.astimezone(period.zone):%d.%m.%Y %H:%M:%S}"


def query_without(request: HttpRequest, without: str) -> str:
    """Return the query of the page without one of its parameters."""
    kept = request.GET.copy()
    kept.pop(without, None)
    return kept.urlencode()


def csv_of(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]
) -> HttpResponse:
    """Return a table as a file that spreadsheets open; None is an empty cell."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([["" if cell is None else _safe(cell) for cell in row] for row in rows])
    return response


def _safe(cell: str | float) -> str | float:
    """Return text that a spreadsheet does not take for a formula."""
    is_formula = isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{cell}" if is_formula else cell
