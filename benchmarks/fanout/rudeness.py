"""A client that subscribes and never reads: what the others notice, and what it costs the server."""

import socket
from dataclasses import dataclass

from benchmarks.fanout.crowd import Crowd
from benchmarks.fanout.event import OURS
from benchmarks.fanout.joining import alike, joined, subscribe
from benchmarks.fanout.measuring import Measured, paced
from benchmarks.fanout.scale import Scale
from benchmarks.fanout.servers import Server
from benchmarks.fanout.wire import Peer
from realtime.protocol import BATCH

# Of events this long a few seconds fill what the kernel buffers for one client, and then the server's.
EVENT_BYTES = 7_000
PER_S = 100
_RECEIVE_BUFFER = 4_096
_TCP_ESTABLISHED = 1

Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffered:
    """What a crowd heard, and by how much the server grew meanwhile."""

    server: str
    beside: bool
    """Whether a client that never reads was there."""
    others: int
    measured: Measured
    grew_mb: float
    cut_off: bool

    def row(self) -> Row:
        """Return the row."""
        return {
            "server": self.server,
            "one_never_reads": "yes" if self.beside else "no",
            "others": self.others,
            "p50_ms": self.measured.latency_ms(0.5),
            "p99_ms": self.measured.latency_ms(0.99),
            "missing": self.measured.lost,
            "server_grew_mb": self.grew_mb,
            "cut_off": ("yes" if self.cut_off else "no") if self.beside else "",
        }


def without_and_with(server: Server, scale: Scale) -> list[Suffered]:
    """Send the same to a crowd twice, the second time beside one more client, which never reads."""
    protocol = BATCH if server.name == OURS else None
    crowd = joined(server, scale.rude, protocol, event_bytes=EVENT_BYTES)
    try:
        without = _suffered(server, crowd, scale, None)
        peer = server.knock(protocol, receive_buffer=_RECEIVE_BUFFER)
        peer.opened()
        if server.name == OURS:
            subscribe(peer, alike(0))
            peer.read_until("snapshot")
        with_it = _suffered(server, crowd, scale, peer)
    finally:
        crowd.close()
    return [without, with_it]


def _suffered(server: Server, crowd: Crowd, scale: Scale, rude: Peer | None) -> Suffered:
    before_kb = after_kb = server.rss_kb()
    cut_off = False

    def over() -> None:
        nonlocal after_kb, cut_off
        after_kb = server.rss_kb()
        if rude is not None:
            cut_off = not _is_connected(rude)
            rude.close()

    measured = paced(
        server, crowd, rate=PER_S, seconds=scale.rude_s, event_bytes=EVENT_BYTES, over=over
    )
    return Suffered(
        server=server.name,
        beside=rude is not None,
        others=len(crowd),
        measured=measured,
        grew_mb=(after_kb - before_kb) / 1024,
        cut_off=cut_off,
    )


def _is_connected(peer: Peer) -> bool:
    """Whether the kernel still holds the connection; the first byte of `tcp_info` is its state."""
    state = peer.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state[0] == _TCP_ESTABLISHED
