"""The pages: the plant overview and the board of a line, drawn by the server before any script runs."""

from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ms5.accounts.models import User
from production.models import Line
from production.querysets import LineQuerySet
from realtime.boards import Board, board_of
from realtime.calls import draw_calls, draw_slots
from realtime.shift_part import draw_shift


@require_safe
@never_cache
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show a tile for each line this user may see, in plant order."""
    user = cast("User", request.user)
    board = board_of(list(lines_of(user)), timezone.now())
    tiles = [{"line": line.line, "drawing": line.drawing(board.now)} for line in board.lines]
    may_add = user.is_staff and user.has_perm("production.add_line")
    return render(
        request,
        "overview.html",
        {
            **frame_of(board, user),
            "tiles": tiles,
            "calls": draw_calls([each.place() for each in board.lines], board.now),
            "add_line_url": reverse("admin:production_line_add") if may_add else "",
        },
    )


@require_safe
@never_cache
@login_required
def line(request: HttpRequest, code: str) -> HttpResponse:
    """Show the board of one line; one that is not open to this user does not exist."""
    user = cast("User", request.user)
    found = get_object_or_404(lines_of(user), code=code)
    board = board_of([found], timezone.now())
    drawing = board.lines[0].drawing(board.now)
    calls = draw_calls([board.lines[0].place()], board.now)
    stale = drawing.fresh.timer if drawing.fresh.level == "stale" else ""
    return render(
        request,
        "line.html",
        {
            **frame_of(board, user),
            "line": found,
            "drawing": drawing,
            "work": board.lines[0].work(board.now),
            "slots": draw_slots(calls.rail),
            "shift": draw_shift(found, board.now),
            "stale": stale,
            "may": may_of(user),
            "user_id": user.pk,
        },
    )


def lines_of(user: User) -> LineQuerySet:
    """Return the lines this user may see, with what a board prints of their site."""
    return Line.objects.visible_to(user).select_related("area__site")


def may_of(user: User) -> dict[str, bool]:
    """Return which buttons of calls this user is shown; the actions ask again."""
    return {
        "raise": user.has_perm("andon.add_andoncall"),
        "answer": user.has_perm("andon.change_andoncall"),
    }


def frame_of(board: Board, user: User) -> dict[str, Any]:
    """Return what every live page has: its board, the plant's clock, and the way to the admin."""
    zone = board.lines[0].line.area.site.time_zone if board.lines else "UTC"
    return {
        "board": board.public(),
        "time_zone": zone,
        "clock": f"{board.now.astimezone(ZoneInfo(zone)):%H:%M:%S}",
        "admin_url": reverse("admin:index") if user.is_staff else "",
    }
