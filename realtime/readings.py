"""Pictures and replays for a connection that holds back: none before all it owes has been delivered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from realtime.access import NotVisible
from realtime.replays import Replay, Wanted
from realtime.resumption import Returning
from realtime.shared import Shared
from realtime.snapshot import Picture

if TYPE_CHECKING:
    from realtime.hub import Hub

K = TypeVar("K", str, Wanted)
V = TypeVar("V", Picture, Replay)


async def picture(hub: "Hub", stream: str, positions: Mapping[str, int]) -> Picture:
    """Return the stream's picture. Raises NotVisible when it is not wanted any more, and NoSuchLine."""
    return await _reading(hub, hub.pictures, stream, stream, positions)


async def fill(
    returning: Returning, hub: "Hub", positions: Mapping[str, int], *, most_of_one: int
) -> None:
    """Read the replays, and the pictures, which bring the gauges and what cannot be replayed.

    A stream that is withdrawn meanwhile is left out.
    """
    asked = returning.asked
    for stream in sorted(frozenset().union(*returning.covered.values())):
        try:
            place = asked.positions.get(stream)
            # In another life of the log positions mean nothing: there is no use in asking for a replay.
            if place is not None and asked.epoch == hub.tail.epoch:
                if returning.is_full:
                    returning.too_far.add(stream)
                else:
                    wanted = Wanted(stream, place, most_of_one)
                    returning.add(await _reading(hub, hub.replays, wanted, stream, positions))
            returning.pictures[stream] = await picture(hub, stream, positions)
        except NotVisible:
            continue


async def _reading(
    hub: "Hub", shared: "Shared[K, V]", key: K, stream: str, positions: Mapping[str, int]
) -> V:
    try:
        since = hub.interest.since(stream)
    except KeyError as withdrawn:
        raise NotVisible(stream) from withdrawn
    read = await shared.get(
        key,
        at_least=max(positions.get(stream, 0), hub.positions.get(stream, 0)),
        not_before=since,
    )
    await hub.reached(stream, read.position)
    return read
