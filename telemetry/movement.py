"""Whether counters moved lately, for equipment that shows nothing else of whether it runs (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Seen:
    """What the counters showed last, when they last moved, and since when they are watched without a gap."""

    values: tuple[float, ...]
    at: datetime
    watched_since: datetime
    moved_at: datetime | None = None

    def moved(self, within: timedelta) -> bool | None:
        """Say whether they moved within so long; None as long as nobody has watched for that long."""
        if self.moved_at is not None and self.at - self.moved_at <= within:
            return True
        return False if self.at - self.watched_since > within else None


def watched(
    before: Seen | None, values: Sequence[float], at: datetime, longest_gap: timedelta
) -> Seen:
    """Return what is known after one more reading. After a gap watching begins anew.

    A counter that shows another number has moved, also when it was reset: what it counts is for others to say.
    """
    shown = tuple(values)
    if before is None or len(before.values) != len(shown) or at - before.at > longest_gap:
        return Seen(shown, at, watched_since=at)
    if at <= before.at:
        return before
    moved_at = at if shown != before.values else before.moved_at
    return Seen(shown, at, before.watched_since, moved_at)
