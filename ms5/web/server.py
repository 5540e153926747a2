"""uvicorn as MS5 runs it."""

import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from ms5 import memory
from ms5.web.bounded import BoundedHttp, BoundedSocket
from ms5.web.listener import BACKLOG
from realtime.limits import HARD_FRAME_BYTES

log = logging.getLogger(__name__)

STOP_WITHIN_S = 3
"""Seconds for answers that are under way; sockets get their 1012 at once."""
_ACCESS = '%s - "WebSocket '


def configuration(
    application: Any, *, alive: Callable[[], Awaitable[None]] | None = None
) -> uvicorn.Config:
    """The settings of a web process; `alive` is called each second by the loop that serves."""
    return uvicorn.Config(
        application,
        lifespan="on",
        http=BoundedHttp,
        ws=BoundedSocket,
        ws_max_size=HARD_FRAME_BYTES,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        # Compression costs more than the frames are worth, and memory for every connection.
        ws_per_message_deflate=False,
        # Who came through a proxy is decided in one place, by MS5_TRUSTED_PROXIES and MS5_HTTPS, for
        # daphne too. uvicorn's own rule believes every process of this machine.
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,  # settings.LOGGING
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        callback_notify=alive,
        timeout_notify=0,
    )


class WebServer(uvicorn.Server):
    """Stops at the first signal; the second one is the kernel's to carry out, at once."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then settle the memory."""
        logging.getLogger("uvicorn.error").addFilter(is_no_access_line)
        await super().startup(sockets=sockets)
        memory.settle()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: no new connection, 1012 to every socket, then what is under way."""
        for number in HANDLED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        super().handle_exit(sig, frame)


def is_no_access_line(record: logging.LogRecord) -> bool:
    """False for the line that uvicorn writes for every handshake among its errors."""
    return not str(record.msg).startswith(_ACCESS)
