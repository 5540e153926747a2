"""The chart page of an equipment: what its tags read over a time, and live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ms5.accounts.models import User
from ms5.database import reading
from production.models import Equipment
from realtime.formats import NOTHING
from realtime.trend_drawing import Chart, Drawn, draw
from telemetry.models import Tag
from telemetry.trends import BadSpan, trend

RANGES = {
    "10m": ("10 minutes", timedelta(minutes=10)),
    "1h": ("1 hour", timedelta(hours=1)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "31d": ("31 days", timedelta(days=31)),
}
POINTS = 300
MOST = 16
"""Charts on a page; an equipment with more tags shows those that play a role first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One tag on the page."""

    tag: Tag
    chart: Chart
    now: str
    quality: str
    source: str


@require_safe
@never_cache
@login_required
def trends(request: HttpRequest, code: str) -> HttpResponse:
    """Show the charts of an equipment; only the charts with `part=1`, which the page asks for again."""
    user = cast("User", request.user)
    visible = Equipment.objects.visible_to(user).select_related("line__area__site")
    equipment = get_object_or_404(visible, code=code)
    now = timezone.now()
    chosen, start, end, wrong = _span(request, now)
    zone = ZoneInfo(equipment.line.area.site.time_zone)
    with reading():
        found = _tags(equipment)
        try:
            shown = [_shown(tag, start, end, zone, now) for tag in found[:MOST]]
        except BadSpan as bad:
            wrong = str(bad)
            chosen, (_, length) = "1h", RANGES["1h"]
            start, end = now - length, now
            shown = [_shown(tag, start, end, zone, now) for tag in found[:MOST]]
    context = {
        "equipment": equipment,
        "line": equipment.line,
        "shown": shown,
        "left_out": max(0, len(found) - MOST),
        "ranges": [(key, name) for key, (name, _) in RANGES.items()],
        "range": chosen,
        "start": f"{start.astimezone(zone):%d.%m.%Y %H:%M}",
        "end": f"{end.astimezone(zone):%d.%m.%Y %H:%M}",
        "wrong": wrong,
        "at": f"{now.astimezone(zone):%d.%m.%Y %H:%M:%S}",
        "admin_url": reverse("admin:index") if user.is_staff else "",
    }
    template = "parts/charts.html" if request.GET.get("part") else "trends.html"
    return render(request, template, context, status=400 if wrong else 200)


def _span(request: HttpRequest, now: datetime) -> tuple[str, datetime, datetime, str]:
    """Return which range was asked for, its two ends, and what was wrong with the question."""
    said_from, said_to = request.GET.get("from", ""), request.GET.get("to", "")
    if said_from or said_to:
        start, end = _moment(said_from), _moment(said_to)
        if start and end:
            return "", start, end, ""
        key, wrong = "1h", "A time is written like 2026-03-02T06:00Z, at both ends."
    else:
        key = request.GET.get("range", "1h")
        wrong = "" if key in RANGES else f"There is no range '{key[:20]}'."
    key = key if key in RANGES else "1h"
    return key, now - RANGES[key][1], now, wrong


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _tags(equipment: Equipment) -> list[Tag]:
    """Return the tags that can be drawn, those with a role first."""
    rows = Tag.objects.filter(equipment=equipment, enabled=True, length=1)
    rows = rows.exclude(data_type="string").select_related("plc", "latest")
    return sorted(
        rows, key=lambda tag: (tag.role == "none", tag.role == "message_bits", tag.name)
    )


def _shown(tag: Tag, start: datetime, end: datetime, zone: ZoneInfo, now: datetime) -> Shown:
    found = trend(tag, start, end, POINTS, now)
    points = [
        Drawn(point.at, point.until, point.least, point.most, point.mean, point.quality)
        for point in found.points
    ]
    latest = getattr(tag, "latest", None)
    value = None if latest is None else latest.value
    return Shown(
        tag=tag,
        chart=draw(tag.name, tag.unit, points, start=start, end=end, zone=zone),
        now=NOTHING if value is None else f"{value:.6g}",
        quality="bad" if latest is None else latest.quality,
        source="samples" if found.source == "raw" else "minutes",
    )
