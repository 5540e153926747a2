"""uvicorn's protocols with an end to what a peer may take: time, bytes, fragments, pongs.

Both build on the insides of the pinned uvicorn; tests/server/test_bounds.py holds them to it.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

HEAD_WITHIN_S = 10.0
"""Seconds from a connection's first moment, or a later request's first byte, to the end of the head."""
BODY_WITHIN_S = 30.0
"""Seconds from there to the end of its body."""
HEAD_BYTES = 32_768
BODY_BYTES = 10 * 2**20
FRAGMENTS = 1_024
"""Pieces of one WebSocket message; websockets bounds their bytes, and empty ones have none."""


WRITE_NOW = "ms5.write_now"
"""The name under which a scope's extensions hold `BoundedSocket.write_now`."""

_last: tuple[str, bytes] = ("", b"\x81\x00")


def framed(text: str) -> bytes:
    """Return the text as one unmasked frame (RFC 6455, 5.2); the same text again costs nothing."""
    global _last  # noqa: PLW0603 - like dashboards are given the same text one after the other
    if text is _last[0]:
        return _last[1]
    payload = text.encode()
    length = len(payload)
    if length < 126:
        head = bytes((0x81, length))
    elif length < 65_536:
        head = b"\x81\x7e" + length.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + length.to_bytes(8, "big")
    frame = head + payload
    _last = (text, frame)
    return frame


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1; uvicorn alone waits for ever for a head, however long, that comes byte by byte."""

    head_within_s = HEAD_WITHIN_S
    body_within_s = BODY_WITHIN_S

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._end_within(self.head_within_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if (
            self._deadline is None
        ):  # a request after the first; even blank lines count as its head
            self._end_within(self.head_within_s)
        self._taken += len(data)
        super().data_received(data)
        most = HEAD_BYTES if self._in_head else HEAD_BYTES + BODY_BYTES
        if self._taken > most and not self.transport.is_closing():
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                if self._in_head
                else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            )

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._end_within(self.body_within_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._taken = True, 0
        self._forget_deadline()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._forget_deadline()
        super().handle_websocket_upgrade()

    def _end_within(self, seconds: float) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._taken:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:  # a browser's spare connection, which would take an answer for one to its next request
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        self._forget_deadline()
        answered = (
            not self._in_head
            and self.cycle is not None  # type: ignore[redundant-expr]  # it is, before the first request
            and self.cycle.response_started
        )
        if not answered:
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\n"
                "connection: close\r\ncontent-length: 0\r\n\r\n".encode()
            )
        self.transport.close()


class BoundedSocket(WebSocketsSansIOProtocol):
    """WebSocket frames; uvicorn alone queues pongs and empty fragments without end."""

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[WRITE_NOW] = self.write_now
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Send as uvicorn does, but a text of an open connection by the shortest way.

        Of a delivery to one of a thousand sockets more than half went into objects for a frame whose head
        is ten bytes at most; no extension is on, so that nothing else may change it.
        """
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is None or not self.write_now(str(text)):
            await super().send(message)

    def write_now(self, text: str) -> bool:
        """Send a text without waiting; return False where that cannot be, and nothing was sent."""
        if (
            self.conn.state is not State.OPEN
            or self.close_sent
            or self.disconnected
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(framed(text))
        return True

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            # It pings and does not read. One pong answers all pings before it (RFC 6455, 5.5.3), and
            # for one that reads again the next ping brings it.
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # uvicorn would close as well, and log a traceback: a client could fill the disk with them.
                self.frames = []
                self.conn.fail(1007, "text is UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()
