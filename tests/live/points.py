"""How far a client has come on each stream, and how far that is proven (pure)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Point:
    """A position. `event_id` names the event at exactly this `seq`, or is None where none was seen there."""

    seq: int
    event_id: str | None = None


class Points:
    """`applied` is what the board shows; `proven` what a heartbeat or a snapshot has confirmed of it.

    An event id belongs to the position it was seen at and to no other: the server compares it with the
    event that stands there, so that a restored backup is noticed. A heartbeat says that nothing matched
    up to a later position, but not which event stands there. Going on from the older position with its id
    is safe, since what follows it is sent again; so the id is given up only where the server
    might not replay that far.
    """

    def __init__(self) -> None:
        self.applied: dict[str, Point] = {}
        self.proven: dict[str, Point] = {}

    def fact(self, stream: str, seq: int, event_id: str) -> bool:
        """Go on to the fact; return False if it was applied before."""
        known = self.applied.get(stream)
        if known is not None and seq <= known.seq:
            return False
        self.applied[stream] = Point(seq, event_id)
        return True

    def snapshot(self, positions: dict[str, int]) -> None:
        """Stand where the snapshot was taken; what lies before it needs no proof any more."""
        for stream, seq in positions.items():
            known = self.applied.get(stream)
            if known is None or known.seq < seq:
                self.applied[stream] = Point(seq)
            self.proven[stream] = self.applied[stream]

    def heartbeat(self, positions: dict[str, int], far: float) -> None:
        """Take what was applied for proven; go on over more than `far` positions that held nothing for us."""
        for stream, seq in positions.items():
            known = self.applied.get(stream)
            if (
                known is not None
                and known.seq < seq
                and (known.event_id is None or seq - known.seq > far)
            ):
                self.applied[stream] = Point(seq)
        self.proven = dict(self.applied)

    def rewind(self) -> dict[str, int]:
        """Go back to what is proven; return those positions."""
        self.applied = dict(self.proven)
        return {stream: point.seq for stream, point in self.applied.items()}

    def forget(self, stream: str) -> None:
        """Know nothing of the stream."""
        self.applied.pop(stream, None)
        self.proven.pop(stream, None)

    def keep_only(self, streams: Collection[str]) -> None:
        """Forget all other streams: they are not there any more, or not for us."""
        for stream in self.applied.keys() - set(streams):
            self.forget(stream)

    def forget_all(self) -> None:
        """Know nothing."""
        self.applied.clear()
        self.proven.clear()

    def public(self) -> dict[str, dict[str, Any]]:
        """Return the positions as `resume` sends them."""
        return {
            stream: {"seq": point.seq, "event_id": point.event_id}
            for stream, point in sorted(self.applied.items())
        }
