"""The pages about the past: the OEE of a line with its waterfall, and the Pareto of downtime."""

from datetime import datetime, timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from production.models import Equipment
from production.pareto import BYS, By, pareto
from production.reliability import Reliable, reliable
from realtime.explained import Explained, explained
from realtime.formats import NOTHING, tenth
from realtime.oee_sheet import oee_sheet
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
    subject = chosen or next((each for each in machines if each.is_constraint), None)
    return render(
        request,
        "oee.html",
        {
            "line": line,
            "machines": machines,
            "chosen": chosen,
            "period": period,
            "choices": CHOICES,
            "wrong": wrong,
            "at": clock(period, now),
            "admin_url": admin_url(request),
            "sheet": sheet,
            "explained": _explained(request, subject, period, now) if subject else None,
            "query": query_without(request, "format"),
        },
        status=400 if wrong else 200,
    )


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
    request: HttpRequest, subject: Equipment, period: Period, now: datetime
) -> Explained:
    try:
        at = datetime.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        at = None
    return explained(subject, period, now, at if at and at.tzinfo else None)
