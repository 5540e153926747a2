"""The pages about the past: the OEE of a line with its waterfall, and the Pareto of downtime."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from production.groups import Scope, TooMany
from production.models import Equipment, Line
from production.pareto import BYS, By, pareto
from production.reliability import Reliable, reliable
from realtime.explained import Explained, SumDrawn, explained
from realtime.formats import NOTHING, tenth
from realtime.oee_sheet import oee_sheet, place_sheet
from realtime.pareto_sheet import draw_pareto
from realtime.periods import CHOICES, Period
from realtime.reporting import (
    admin_url,
    clock,
    csv_of,
    period_asked,
    query_without,
    visible_lines,
)
from realtime.shift_part import draw_shift

MINUTE = timedelta(minutes=1)
BY_SHIFT = timedelta(days=9)
PLACE_BYS = ("shift", "hour", "day", "product", "job", "equipment")


@require_safe
@never_cache
@login_required
def line_shift(request: HttpRequest, code: str) -> HttpResponse:
    """Return the part of a line's board that is about its shift."""
    found = get_object_or_404(visible_lines(request), code=code)
    drawn = draw_shift(found, timezone.now())
    return render(request, "parts/shift.html", {"shift": drawn})


@require_safe
@never_cache
@login_required
def oee(request: HttpRequest, code: str) -> HttpResponse:
    """Show the OEE of a line, or of one of its equipment, over a period; as CSV with `format=csv`."""
    line = get_object_or_404(visible_lines(request), code=code)
    now = timezone.now()
    period, wrong = period_asked(request, line)
    machines = list(line.equipment.in_flow_order())
    chosen = next(
        (each for each in machines if each.code == request.GET.get("equipment")), None
    )
    sheet = oee_sheet(line, chosen, period, now)
    if request.GET.get("format") == "csv":
        name = f"oee-{chosen.code if chosen else line.code}-{period.fields[0][:10]}.csv"
        return csv_of(name, sheet.columns, (row.cells for row in sheet.rows))
    whose = Scope(
        lines=[line], equipment=[chosen] if chosen else machines, is_equipment=bool(chosen)
    )
    return render(
        request,
        "oee.html",
        {
            "line": line,
            "place": f"{line.area.site.code}/{line.area.code}",
            "machines": machines,
            "chosen": chosen,
            "period": period,
            "choices": CHOICES,
            "wrong": wrong,
            "at": clock(period, now),
            "admin_url": admin_url(request),
            "sheet": sheet,
            "explained": _explained(request, whose, period, now) if whose.counted else None,
            "query": query_without(request, "format"),
        },
        status=400 if wrong else 200,
    )


@require_safe
@never_cache
@login_required
def place_oee(request: HttpRequest) -> HttpResponse:
    """Show the OEE of an area or a site, whose lines add up; as CSV with `format=csv`."""
    seen = list(visible_lines(request).order_by("position", "code"))
    places = _places(seen)
    if not places:
        return render(request, "oee_place.html", {"places": []})
    place = request.GET.get("place") or next(iter(places))
    if place not in places:
        raise Http404
    name, lines = places[place]
    now = timezone.now()
    period, wrong = period_asked(request, lines[0])
    by = request.GET.get("by") or ("shift" if period.end - period.start <= BY_SHIFT else "day")
    if by not in PLACE_BYS:
        by, wrong = "day", f"'{by}' is nothing to cut an OEE by."
    machines = Equipment.objects.filter(line__in=lines).in_flow_order().select_related("line")
    scope = Scope(lines=lines, equipment=list(machines))
    try:
        sheet = place_sheet(scope, by, period, now)
    except TooMany as refused:
        by, wrong = "day", f"By {by}, {refused}."
        sheet = place_sheet(scope, by, period, now)
    if request.GET.get("format") == "csv":
        file = f"oee-{place.replace('/', '-')}-{period.fields[0][:10]}.csv"
        return csv_of(file, sheet.columns, (row.cells for row in sheet.rows))
    return render(
        request,
        "oee_place.html",
        {
            "places": [(key, text) for key, (text, _) in places.items()],
            "place": place,
            "name": name,
            "lines": lines,
            "period": period,
            "choices": CHOICES,
            "bys": PLACE_BYS,
            "by": by,
            "wrong": wrong,
            "at": clock(period, now),
            "admin_url": admin_url(request),
            "sheet": sheet,
            "query": query_without(request, "format"),
        },
        status=400 if wrong else 200,
    )


def _places(lines: Sequence[Line]) -> dict[str, tuple[str, list[Line]]]:
    """Return the sites and areas of these lines by their codes, each with its name and its lines."""
    places: dict[str, tuple[str, list[Line]]] = {}
    for line in lines:
        area = line.area
        for key, name in (
            (area.site.code, area.site.name),
            (f"{area.site.code}/{area.code}", f"{area.site.name}, {area.name}"),
        ):
            places.setdefault(key, (name, []))[1].append(line)
    return dict(sorted(places.items()))


@require_safe
@never_cache
@login_required
def downtime(request: HttpRequest) -> HttpResponse:
    """Show what stood and why, the longest first; as CSV with `format=csv`."""
    lines = list(visible_lines(request).order_by("position", "code"))
    if not lines:
        return render(request, "downtime.html", {"lines": lines})
    now = timezone.now()
    chosen = next((each for each in lines if each.code == request.GET.get("line")), None)
    period, wrong = period_asked(request, chosen or lines[0])
    by = cast(By, request.GET.get("by", "reason"))
    if by not in BYS:
        by, wrong = "reason", f"'{by}' is nothing to sort downtime by."
    if chosen is None and request.GET.get("line"):
        wrong = f"There is no line '{request.GET['line'][:64]}' that you may see."
    equipment = Equipment.objects.filter(line__in=[chosen] if chosen else lines)
    machine = request.GET.get("equipment", "")
    if machine:
        equipment = equipment.filter(code=machine)
    ids = list(equipment.values_list("pk", flat=True))
    found = pareto(ids, period.start, period.end, now, by=by)
    drawn = draw_pareto(found, request.GET.get("measure", "minutes"))
    if request.GET.get("format") == "csv":
        return csv_of(f"downtime-{period.fields[0][:10]}.csv", drawn.columns, drawn.cells)
    return render(
        request,
        "downtime.html",
        {
            "lines": lines,
            "chosen": chosen,
            "machine": machine,
            "period": period,
            "choices": CHOICES,
            "bys": BYS,
            "by": by,
            "wrong": wrong,
            "at": clock(period, now),
            "admin_url": admin_url(request),
            "pareto": drawn,
            "means": _means(reliable(ids, period.start, period.end, now)),
            "query": query_without(request, "format"),
        },
        status=400 if wrong else 200,
    )


def _means(found: Reliable) -> list[tuple[str, str, str]]:
    """Return the mean times as (name, text, why there is none)."""
    means = found.means
    rows = (
        (f"Mean time between failures ({means.failures})", means.between_failures),
        ("Mean time to respond", means.to_respond),
        ("Mean time to repair", means.to_repair),
        ("Mean time to restore", means.to_restore),
    )
    return [
        (name, f"{tenth(each.length / MINUTE)} min" if each.length else NOTHING, each.why or "")
        for name, each in rows
    ]


def _explained(
    request: HttpRequest, whose: Scope, period: Period, now: datetime
) -> Explained | SumDrawn:
    try:
        at = datetime.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        at = None
    return explained(whose, period, now, at if at and at.tzinfo else None)
