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
from realtime.shift_part import draw_shift


@require_safe
@never_cache
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show a tile for each line this user may see, in plant order."""
    user = cast("User", request.user)
    board = board_of(list(_lines(user)), timezone.now())
    tiles = [{"line": line.line, "drawing": line.drawing(board.now)} for line in board.lines]
    may_add = user.is_staff and user.has_perm("production.add_line")
    return render(
        request,
        "overview.html",
        {
            **_frame(board, user),
            "tiles": tiles,
            "add_line_url": reverse("admin:production_line_add") if may_add else "",
        },
    )


@require_safe
@never_cache
@login_required
def line(request: HttpRequest, code: str) -> HttpResponse:
    """Show the board of one line; one that is not open to this user does not exist."""
    user = cast("User", request.user)
    found = get_object_or_404(_lines(user), code=code)
    board = board_of([found], timezone.now())
    drawing = board.lines[0].drawing(board.now)
    stale = drawing.fresh.timer if drawing.fresh.level == "stale" else ""
    return render(
        request,
        "line.html",
        {
            **_frame(board, user),
            "line": found,
            "drawing": drawing,
            "work": board.lines[0].work(board.now),
            "shift": draw_shift(found, board.now),
            "stale": stale,
        },
    )


def _lines(user: User) -> LineQuerySet:
    return Line.objects.visible_to(user).select_related("area__site")


def _frame(board: Board, user: User) -> dict[str, Any]:
    """Return what every live page has: its board, the plant's clock, and the way to the admin."""
    zone = board.lines[0].line.area.site.time_zone if board.lines else "UTC"
    return {
        "board": board.public(),
        "time_zone": zone,
        "clock": f"{board.now.astimezone(ZoneInfo(zone)):%H:%M:%S}",
        "admin_url": reverse("admin:index") if user.is_staff else "",
    }
