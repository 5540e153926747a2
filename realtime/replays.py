"""The facts a client missed of a stream, read from the log as far as it still holds them."""

from dataclasses import dataclass
from typing import NamedTuple

from ms5.database import reading
from ms5.events.log import Written
from ms5.events.models import Event, Stream
from realtime.protocol import ResumeReason
from realtime.resume import Kept, Place, verdict
from realtime.routed import Fact, fact_of


class Wanted(NamedTuple):
    """Which replay: of a stream, from a place, of at most so many facts."""

    stream: str
    place: Place
    most: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The facts after a place up to `position`, or why there are none to be had."""

    stream: str
    position: int
    facts: tuple[Fact, ...] = ()
    reason: ResumeReason | None = None


def replay_of(wanted: Wanted) -> Replay:
    """Read the replay in one consistent transaction."""
    stream, place = wanted.stream, wanted.place
    with reading():
        row = Stream.objects.filter(name=stream).first() or Stream(name=stream)
        at_place = Event.objects.filter(stream__name=stream, seq=place.seq)
        kept = Kept(row.head, row.tail, at_place.values_list("event_id", flat=True).first())
        reason = verdict(place, kept, wanted.most)
        if reason is not None:
            return Replay(stream, row.head, reason=reason)
        missed = Event.objects.filter(stream=row.pk, seq__gt=place.seq).order_by("seq")
        fields = ("type", "line_id", "equipment_code", "seq", "text")
        written = [Written(*values) for values in missed.values_list(*fields)]
    return Replay(stream, row.head, tuple(fact_of(stream, one) for one in written))
