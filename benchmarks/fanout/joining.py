"""How a crowd of clients comes in: in waves, each wave ready before the next knocks."""

from collections.abc import Callable, Sequence
from itertools import combinations

from benchmarks.fanout.crowd import Crowd
from benchmarks.fanout.event import EVENT_BYTES, OURS
from benchmarks.fanout.servers import LINES, MACHINES, Server
from benchmarks.fanout.wire import Peer

_WAVE = 50
Target = dict[str, str]
Targets = Callable[[int], Sequence[Target]]
"""What the client with this number subscribes to."""


def on_line(code: str) -> Target:
    """Return the subscription of a line's board."""
    return {"subscription_type": "line", "target_id": code}


def alike(number: int) -> Sequence[Target]:
    """All on the first line."""
    del number
    return [on_line(LINES[0])]


def in_turn(number: int) -> Sequence[Target]:
    """As many on each line."""
    return [on_line(LINES[number % len(LINES)])]


_PAIRS = list(
    combinations([f"{line}.E{n:02d}" for line in LINES[1:] for n in range(MACHINES)], 2)
)


def all_different(number: int) -> Sequence[Target]:
    """All on the first line, each with two machines of other lines beside it, no two the same."""
    machines = _PAIRS[number]
    return [
        on_line(LINES[0]),
        *({"subscription_type": "equipment", "target_id": code} for code in machines),
    ]


def joined(
    server: Server,
    clients: int,
    protocol: str | None = None,
    targets: Targets = alike,
    *,
    event_bytes: int = EVENT_BYTES,
) -> Crowd:
    """Return so many clients, all connected, subscribed and given their snapshots."""
    peers: list[Peer] = []
    for begin in range(0, clients, _WAVE):
        numbers = range(begin, min(clients, begin + _WAVE))
        wave = [server.knock(protocol) for _ in numbers]
        for peer, number in zip(wave, numbers, strict=True):
            peer.opened()
            if server.name == OURS:
                subscribe(peer, targets(number))
        if server.name == OURS:
            for peer, number in zip(wave, numbers, strict=True):
                peer.read_until("snapshot", len(targets(number)))
        peers += wave
    return Crowd(peers, event_bytes)


def subscribe(peer: Peer, targets: Sequence[Target]) -> None:
    """Ask for the targets in one message."""
    peer.say({"type": "subscribe", "subscriptions": targets})
