"""When and whether a client comes back (pure)."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.live.outputs import Action

FIRST_MS = 500
LONGEST_MS = 30_000
OVERLOAD_PAUSE_MS = 10_000
FLOOD_PAUSE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Next:
    """What a close means; `least_ms` is added to the jitter."""

    action: Action
    message: str
    least_ms: int = 0


def back_off(attempt: int, random: Callable[[], float]) -> float:
    """Return ms of full jitter: anything from nothing to a ceiling that doubles, attempts counted from 0."""
    ceiling: int = min(LONGEST_MS, FIRST_MS << min(attempt, 16))
    return random() * ceiling


_NEXT = {
    4401: Next("login", "You are signed out."),
    4403: Next("stop", "This account is disabled."),
    4406: Next("reload", "The server speaks a newer version."),
    4408: Next("reconnect", "Not signed in in time."),
    4429: Next("reconnect", "Too many messages.", FLOOD_PAUSE_MS),
    4503: Next("reconnect", "The server is overloaded.", OVERLOAD_PAUSE_MS),
}
_NOT_TAKEN = frozenset({1003, 1007, 1009})


def after_close(code: int, times_refused: int = 0) -> Next:
    """Return what a client does after a close.

    `times_refused`: how often the server has closed with 4408 in a row, this one included.
    """
    if code == 4408 and times_refused > 1:
        return Next("stop", "The server did not accept the sign-in in time.")
    if code in _NOT_TAKEN:
        return Next("stop", f"The server refused what this page sent ({code}).")
    if code not in _NEXT and 4400 <= code < 4500:
        return Next("stop", f"The server refused this page ({code}).")
    return _NEXT.get(code, Next("reconnect", "Connection lost."))
