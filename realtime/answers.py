"""The answers to a subscription: that it was made, and what stands open at its positions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import UnsetType

from ms5.events.log import PLANT
from realtime.access import Access
from realtime.protocol import Snapshot, SubscriptionConfirmed
from realtime.routed import Fact, Gauge
from realtime.snapshot import Picture
from realtime.targets import Target


def sees(access: Access, stream: str) -> bool:
    """Whether events of the stream may be told; those of the plant are for everyone signed in."""
    return stream == PLANT or access.sees(stream)


def confirmation(
    target: Target, positions: Mapping[str, int], *, already: bool, id_: int | UnsetType
) -> SubscriptionConfirmed:
    """Return what says that the target is heard from the positions on."""
    return SubscriptionConfirmed(
        id=id_,
        timestamp=datetime.now(UTC),
        subscription_type=target.type,
        target_id=target.target_id,
        already=already,
        positions=dict(positions),
    )


def snapshot(
    target: Target,
    pictures: Sequence[Picture],
    access: Access,
    *,
    id_: int | UnsetType,
    partial: bool | UnsetType,
) -> Snapshot:
    """Return the open subjects that the target hears of, on what the user sees."""
    group = target.group(access.user_id)
    seen = [picture for picture in pictures if sees(access, picture.stream)]
    return Snapshot(
        id=id_,
        timestamp=datetime.now(UTC),
        subscription_type=target.type,
        target_id=target.target_id,
        positions={picture.stream: picture.position for picture in seen},
        items=[
            subject.raw
            for picture in seen
            for subject in picture.subjects
            if group in subject.groups and access.sees(subject.item.line_id)
        ],
        partial=partial,
    )


def not_shown(after: list[Fact | Gauge], shown: set[tuple[str, str]]) -> list[Fact | Gauge]:
    """Leave out the gauges of which a newer value has just been sent."""
    return [
        event
        for event in after
        if not (isinstance(event, Gauge) and (event.stream, event.key) in shown)
    ]
