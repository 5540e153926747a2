"""The Andon board, drawn by the server before any script runs, and the part of it that it asks for again."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ms5.accounts.models import User
from production.models import Line
from realtime.boards import board_of
from realtime.calls import STANDING, CallRow, draw_calls
from realtime.pages import frame_of, lines_of, may_of
from realtime.recent_calls import recent_calls

_COLUMNS = (
    ("waiting", STANDING["open"], "Nobody waits"),
    ("coming", STANDING["acknowledged"], "Nobody is on the way"),
    ("there", STANDING["arrived"], "Nobody is at work on a call"),
)


@require_safe
@never_cache
@login_required
def andon(request: HttpRequest) -> HttpResponse:
    """Show who waits, who comes and who is there, on all lines this user may see or on one of them."""
    user = cast("User", request.user)
    lines = list(lines_of(user))
    line, shown = _chosen(request, lines)
    board = board_of(shown, timezone.now())
    calls = draw_calls([each.place() for each in board.lines], board.now)
    return render(
        request,
        "andon.html",
        {
            **frame_of(board, user),
            "lines": lines,
            "line": line,
            "target": line.code if line else "all",
            "calls": calls,
            "columns": [
                _column(key, word, none, getattr(calls, key)) for key, word, none in _COLUMNS
            ],
            "recent": recent_calls(shown, board.now),
            "may": may_of(user),
            "user_id": user.pk,
        },
    )


@require_safe
@never_cache
@login_required
def recent(request: HttpRequest) -> HttpResponse:
    """Return the part of the board about calls that ended, and whether there is a flood."""
    _, shown = _chosen(request, list(lines_of(cast("User", request.user))))
    drawn = recent_calls(shown, timezone.now())
    return render(request, "parts/andon_recent.html", {"recent": drawn})


def _chosen(request: HttpRequest, lines: list[Line]) -> tuple[Line | None, list[Line]]:
    """Return the line that `?line=` names, and the lines to show; one not open to this user does not exist."""
    code = request.GET.get("line")
    if not code:
        return None, lines
    found = next((each for each in lines if each.code == code), None)
    if found is None:
        raise Http404
    return found, [found]


def _column(key: str, word: str, none: str, rows: tuple[CallRow, ...]) -> dict[str, Any]:
    """Return a column with how many cards stand above each other; andon-board.js has the twin."""
    density = "few" if len(rows) <= 2 else "some" if len(rows) <= 5 else "many"
    return {"key": key, "word": word, "none": none, "rows": rows, "density": density}
