"""The page of how calls were answered: times to each step, floods, what calls again and again; as CSV too."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from andon.analytics import BYS, Analysis, analysis
from andon.response import Answering, Step
from realtime.calls import WORDS
from realtime.formats import duration
from realtime.periods import CHOICES, Period
from realtime.reporting import (
    admin_url,
    clock,
    csv_of,
    period_asked,
    query_without,
    visible_lines,
)

_STEPS = ("acknowledge", "arrive", "resolve")
COLUMNS = (
    "calls",
    *(f"{step} {what}" for step in _STEPS for what in ("taken", "never", "median s", "p90 s")),
)


@dataclass(frozen=True, slots=True)
class StepCells:
    """A step as it is printed."""

    median: str
    p90: str
    never: str


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """Some calls: how many, and the three steps."""

    name: str
    calls: int
    steps: Sequence[StepCells]


@require_safe
@never_cache
@login_required
def andon_analytics(request: HttpRequest) -> HttpResponse:
    """Show how the calls of a period were answered, on one line or all; as CSV with `format=csv`."""
    lines = list(visible_lines(request).order_by("position", "code"))
    if not lines:
        return render(request, "andon_analytics.html", {"lines": lines})
    now = timezone.now()
    chosen = next((each for each in lines if each.code == request.GET.get("line")), None)
    period, wrong = period_asked(request, chosen or lines[0])
    by = request.GET.get("by", "category")
    if by not in BYS:
        by, wrong = "category", f"'{by}' is nothing to tell calls apart by."
    if chosen is None and request.GET.get("line"):
        wrong = f"There is no line '{request.GET['line'][:64]}' that you may see."
    found = analysis([chosen] if chosen else lines, period.start, period.end, now, by)
    if request.GET.get("format") == "csv":
        rows = [[group.name, *_cells(group.answering)] for group in found.groups]
        name = f"calls-by-{by}-{period.fields[0][:10]}.csv"
        return csv_of(name, (by, *COLUMNS), [*rows, ["all", *_cells(found.whole)]])
    return render(
        request,
        "andon_analytics.html",
        {
            "lines": lines,
            "chosen": chosen,
            "period": period,
            "choices": CHOICES,
            "bys": BYS,
            "by": by,
            "wrong": wrong,
            "at": clock(period, now),
            "admin_url": admin_url(request),
            "rows": [_row(group.name, group.answering) for group in found.groups],
            "whole": _row("All", found.whole),
            "floods": _floods(found, period),
            "offenders": _offenders(found),
            "query": query_without(request, "format"),
        },
        status=400 if wrong else 200,
    )


def _cells(answered: Answering) -> list[float | None]:
    steps = [getattr(answered, name) for name in _STEPS]
    figures = [(step.taken, step.never, step.median_s, step.p90_s) for step in steps]
    return [answered.calls, *(figure for step in figures for figure in step)]


def _row(name: str, answered: Answering) -> ResponseRow:
    steps = [_step(getattr(answered, step)) for step in _STEPS]
    return ResponseRow(name, answered.calls, steps)


def _step(step: Step) -> StepCells:
    never = f"{step.never} never" if step.never else ""
    waiting = f"{step.pending} open" if step.pending else ""
    told = ", ".join(part for part in (never, waiting) if part)
    return StepCells(duration(step.median_s), duration(step.p90_s), told)


def _floods(found: Analysis, period: Period) -> list[tuple[str, str, int]]:
    return [
        (
            f"{flood.started_at.astimezone(period.zone):%d.%m. %H:%M:%S}",
            f"{flood.ended_at.astimezone(period.zone):%H:%M:%S}",
            flood.calls,
        )
        for flood in found.floods
    ]


def _offenders(found: Analysis) -> list[tuple[str, str, int, int, str]]:
    return [
        (
            f"{each.line_name}, {each.equipment or 'whole line'}",
            WORDS[each.category],
            each.calls,
            each.occurrences,
            duration(each.open_s),
        )
        for each in found.offenders[:20]
    ]
