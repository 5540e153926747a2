"""Slow cycles: pauses between two pieces while it ran, too long for a cycle and too short for a stop (pure)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from production.oee import Seen
from production.stops import RUNNING
from production.timeline import Stretch, merge


@dataclass(frozen=True, slots=True)
class Pause:
    """Between two readings that each showed a piece there was none; at least one reading in between saw that.

    So its length is known to a reading period at either end. `cycle` is the ideal one of the piece that ended
    it, None where nobody said; the thresholds are those of its product.
    """

    started_at: datetime
    ended_at: datetime
    slow_after: timedelta
    stop_after: timedelta
    cycle: timedelta | None

    @property
    def is_slow(self) -> bool:
        """Whether it is longer than a slow cycle may be, and no longer than a stop.

        A threshold within the ideal cycle says nothing: each piece would be slow by it.
        """
        if self.cycle is not None and self.slow_after < self.cycle:
            return False
        return self.slow_after < self.ended_at - self.started_at <= self.stop_after


@dataclass(frozen=True, slots=True)
class Slow:
    """A slow cycle, and how much longer it took than its piece ideally does."""

    started_at: datetime
    ended_at: datetime
    lost: timedelta


def slow_cycles(pauses: Iterable[Pause], states: Sequence[Stretch[Seen]]) -> list[Slow]:
    """Return those of the pauses that are slow cycles, throughout which it ran.

    What stood in between, or was not measured, has its bucket already. Without an ideal cycle nothing is lost
    by one that anybody could tell.
    """
    ran = merge(
        Stretch(RUNNING, each.started_at, each.ended_at)
        for each in states
        if each.what.state == RUNNING
    )
    begun = [each.started_at for each in ran]
    found = []
    for pause in pauses:
        before = bisect_right(begun, pause.started_at)
        if pause.is_slow and before and pause.ended_at <= ran[before - 1].ended_at:
            lost = (
                timedelta()
                if pause.cycle is None
                else pause.ended_at - pause.started_at - pause.cycle
            )
            found.append(Slow(pause.started_at, pause.ended_at, lost))
    return found
