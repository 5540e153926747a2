"""Names of controllers are looked up within a deadline, which the system's own lookup does not know."""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from telemetry.drivers.base import LinkDown, peer_name

Found = Sequence[tuple[Any, ...]]
"""As `socket.getaddrinfo` gives it; the last of each is its address."""

MOST = 64
"""Lookups at a time. A server of names that answers nobody holds each of them for up to half a minute."""

_running: dict[tuple[str, int], "Future[Found]"] = {}
_lock = threading.Lock()


def looked_up(host: str, port: int, timeout_s: float) -> Found:
    """Return what a name or an address means now, found within `timeout_s`.

    A lookup that takes longer goes on, and whoever asks for the same name meanwhile waits for that one.
    Raises LinkDown, which says so.
    """
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        future = _lookup(host, port)
    try:
        return future.result(timeout_s)
    except TimeoutError as late:
        why = f"has a name that was not resolved within {timeout_s:g} s"
        raise LinkDown(f"{peer_name(host, port)} {why}.") from late
    except (OSError, UnicodeError) as unknown:
        why = "has a name that cannot be resolved"
        raise LinkDown(f"{peer_name(host, port)} {why}.") from unknown


def _lookup(host: str, port: int) -> "Future[Found]":
    """The lookup of a name that is under way, or else a new one."""
    with _lock:
        future = _running.get((host, port))
        if future is not None:
            return future
        if len(_running) >= MOST:
            why = f"has a name, and {MOST} others are still being resolved"
            raise LinkDown(f"{peer_name(host, port)} {why}.")
        future = _running[host, port] = Future()
    # A thread that nobody waits for when the process ends, as those of a pool would be.
    threading.Thread(
        target=_look_up, args=(host, port, future), name=f"name.{host}", daemon=True
    ).start()
    return future


def _look_up(host: str, port: int, future: "Future[Found]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as wrong:  # noqa: BLE001 - whatever it is, who waits for it is told
        _end(host, port)
        future.set_exception(wrong)
    else:
        _end(host, port)
        future.set_result(found)


def _end(host: str, port: int) -> None:
    with _lock:
        del _running[host, port]
