"""The listening socket: shared by several processes, patient with no peer for ever."""

import socket
from dataclasses import dataclass

# Data or a window probe that stays unanswered for so long ends the connection. A board gives up
# after 12 s without a frame and comes back by itself; whoever is silent for longer than that and a
# retransmission has gone, or reads nothing. Nothing else ends the latter: a close frame waits
# behind what it does not read.
PEER_SILENT_MS = 20_000
# Bytes; Linux doubles it for its own book-keeping and lets a listener's connections inherit it.
# Without it a socket whose peer never reads grows to megabytes (tcp_wmem). It also bounds a
# connection's throughput to the buffer per round trip: more than a board needs by a factor of
# hundreds, and at 50 ms still about a megabyte a second for a replay.
SEND_BUFFER_BYTES = 65_536
# Handshakes that wait to be accepted: every board of a plant returns at once after a restart. The
# kernel cuts it to net.core.somaxconn, and uvicorn accepts no more than this in one turn.
BACKLOG = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Sockets that are bound and do not listen yet, and the options this system does not have."""

    sockets: list[socket.socket]
    lacking: tuple[str, ...]


def bind(
    host: str,
    port: int,
    *,
    silent_ms: int = PEER_SILENT_MS,
    send_buffer: int = SEND_BUFFER_BYTES,
) -> Listening:
    """A socket for every address of the host; "" is all of IPv4. OSError: taken, or not ours.

    The kernel deals connections out among the processes of one user that share a port in this
    way, once each *listens*: bind early to learn that the port is taken, listen when ready.
    """
    found = socket.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104 - what an empty host means to uvicorn, too
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )
    sockets: list[socket.socket] = []
    lacking: set[str] = set()
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            sockets.append(one)
            lacking |= _prepare(one, silent_ms, send_buffer)
            one.bind(address)
    except BaseException:
        for one in sockets:
            one.close()
        raise
    return Listening(sockets=sockets, lacking=tuple(sorted(lacking)))


def _prepare(one: socket.socket, silent_ms: int, send_buffer: int) -> set[str]:
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # On the listener, since those it accepts inherit it: a connection has it from its first byte.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    wanted = {
        "SO_REUSEPORT": (socket.SOL_SOCKET, 1),
        "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, silent_ms),
    }
    lacking = set()
    for name, (level, value) in wanted.items():
        option = getattr(socket, name, None)
        if option is None:
            lacking.add(name)
        else:
            one.setsockopt(level, option, value)
    return lacking
