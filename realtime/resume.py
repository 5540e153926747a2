"""What a returning client asks, and whether the log can answer it (pure)."""

import uuid
from dataclasses import dataclass
from typing import Any

from realtime.frames import LARGEST, Refused
from realtime.protocol import (
    ErrorCode,
    Missing,
    Resume,
    ResumeReason,
    SubscriptionRequest,
)
from realtime.targets import CODE


@dataclass(frozen=True, slots=True)
class Place:
    """The last fact a client has of a stream; `event_id` is None where it knows the position alone."""

    seq: int
    event_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A `resume` that can be read."""

    epoch: str
    positions: dict[str, Place]
    wishes: list[SubscriptionRequest]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the log holds of a stream: facts `tail` to `head`, and which one stands at the client's place."""

    head: int
    tail: int
    event_id: uuid.UUID | None = None


def asked_in(message: Resume) -> Asked:
    """Return what the message asks. Raises Refused with RESUME_INVALID."""
    if message.epoch is None:
        raise _invalid("epoch is missing")
    if message.positions is None:
        raise _invalid("positions are missing")
    if not message.subscriptions:
        raise _invalid("subscriptions are missing")
    positions = {stream: _place(stream, value) for stream, value in message.positions.items()}
    return Asked(message.epoch, positions, message.subscriptions)


def verdict(place: Place, kept: Kept, most: int) -> ResumeReason | None:
    """Return why the facts after the place cannot be replayed, or None if they can."""
    if place.seq > kept.head:
        return ResumeReason.AHEAD
    stands = place.seq >= kept.tail
    if stands and place.event_id is not None and place.event_id != kept.event_id:
        return ResumeReason.DIVERGED
    if place.seq + 1 < kept.tail:
        return ResumeReason.RETENTION
    if kept.head - place.seq > most:
        return ResumeReason.TOO_FAR
    return None


def missing(reason: ResumeReason, place: Place | None, to: int) -> Missing | None:
    """Return the range a client will not get, up to the position of its snapshot.

    A position that the log never gave, or gave to another event, comes from another life of the log: then
    the range would mean nothing.
    """
    if place is None or reason not in {ResumeReason.RETENTION, ResumeReason.TOO_FAR}:
        return None
    return Missing(after=place.seq, to=to)


def _place(stream: str, value: Any) -> Place:
    if not CODE.fullmatch(stream):
        raise _invalid("a stream is the code of a line, or plant")
    match value:
        case {"seq": int(seq), **more} if type(seq) is int and 0 <= seq <= LARGEST:
            return Place(seq, _event_id(more.get("event_id")))
        case _:
            raise _invalid("a position is {seq, event_id}, and seq a number from 0")


def _event_id(value: Any) -> uuid.UUID | None:
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as wrong:
        raise _invalid("an event_id is a UUID, or null") from wrong


def _invalid(sentence: str) -> Refused:
    return Refused(ErrorCode.RESUME_INVALID, sentence)
