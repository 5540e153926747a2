"""Hundreds of clients that come back at the same moment: until all are live, and what was read for them."""

import time
from dataclasses import dataclass
from typing import Any

from benchmarks.fanout.event import EVENT_BYTES
from benchmarks.fanout.joining import alike, joined
from benchmarks.fanout.scale import Scale
from benchmarks.fanout.servers import LINES, Server
from realtime.protocol import BATCH

MISSED = 50
_READS = ("pictures_read", "replays_read")

Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """How a crowd came back."""

    how: str
    clients: int
    seconds: float
    facts: int
    """Facts replayed to all of them together."""
    owed: int
    reads: dict[str, int]

    def row(self) -> Row:
        """Return the row."""
        return {
            "how": self.how,
            "clients": self.clients,
            "all_live_after_s": self.seconds,
            "facts_replayed": self.facts,
            "facts_owed": self.owed,
            **self.reads,
        }


def come_back(server: Server, scale: Scale) -> list[Returned]:
    """Let clients hear an event, lose them, let them miss some, and have all return at once.

    Once with positions, which brings what they missed; once from before the log began anew, as it seems,
    which brings each a snapshot.
    """
    joined(server, scale.returning, BATCH).close()
    anchor = server.knock(BATCH)
    anchor.opened()
    epoch = anchor.read_until("connection_established")[-1]["epoch"]
    anchor.say({"type": "subscribe", **alike(0)[0]})
    anchor.read_until("snapshot")
    _publish(server, 1)
    last = anchor.read_until("equipment_state")[-1]
    anchor.close()
    _publish(server, MISSED)
    positions = {last["stream"]: {"seq": last["seq"], "event_id": last["event_id"]}}
    resume = {"type": "resume", "positions": positions, "subscriptions": alike(0)}
    return [
        _returned(server, scale, "resume", {**resume, "epoch": epoch}, owed=MISSED),
        _returned(server, scale, "resume of another epoch", {**resume, "epoch": "e-0"}, owed=0),
    ]


def _returned(
    server: Server, scale: Scale, how: str, resume: dict[str, Any], owed: int
) -> Returned:
    before = _reads(server)
    begin = time.monotonic()
    peers = [server.knock(BATCH) for _ in range(scale.returning)]
    for peer in peers:
        peer.opened()
        peer.say(resume)
    facts = sum("seq" in message for peer in peers for message in peer.read_until("live"))
    seconds = time.monotonic() - begin
    after = _reads(server)
    for peer in peers:
        peer.close()
    return Returned(
        how=how,
        clients=len(peers),
        seconds=seconds,
        facts=facts,
        owed=owed * len(peers),
        reads={name: after[name] - before[name] for name in _READS},
    )


def _publish(server: Server, count: int) -> None:
    server.publisher.more(count, LINES[:1], EVENT_BYTES)
    server.publisher.end()


def _reads(server: Server) -> dict[str, int]:
    """Return how many times the server has read the log for its clients."""
    peer = server.knock()
    peer.opened()
    peer.say({"type": "get_stats"})
    process = peer.read_until("connection_stats")[-1]["process"]
    peer.close()
    return {name: int(process[name]) for name in _READS}
