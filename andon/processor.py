"""What beat starts every second for calls; each part goes on when another fails."""

import logging
from collections.abc import Callable

from andon.following import follow
from andon.sweep import sweep
from production.isolation import each_alone, raise_failed

log = logging.getLogger(__name__)

PARTS: tuple[tuple[str, Callable[[], int]], ...] = (("rules", follow), ("sweep", sweep))


def andon() -> int:
    """Return how many steps took effect."""
    done, failed = each_alone(
        PARTS,
        lambda part: part[1](),
        lambda part: {"part": part[0]},
        log,
        "a part of Andon failed",
    )
    raise_failed(failed, "parts of Andon failed")
    return done
