"""The socket `/ws/production` as an ASGI application: let in, serve, close."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from realtime.auth import Scope, Shown, shown_by
from realtime.closing import Ended, close
from realtime.commands import Commands
from realtime.connection import Connection
from realtime.counts import counts
from realtime.door import Door
from realtime.limits import Limits
from realtime.outbox import Gone, Send
from realtime.protocol import (
    BATCH,
    PROTOCOL,
    Announced,
    CloseCode,
    ConnectionEstablished,
    UserName,
)

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]


class ProductionSocket:
    """One instance serves all connections; each call is one of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._door = Door(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        shown = shown_by(scope)
        if shown.comes_from_elsewhere:
            counts.connected("foreign_origin")
            await send({"type": "websocket.close"})  # before the accept: HTTP 403
            return
        offered = list(scope.get("subprotocols", ()))
        known = [protocol for protocol in (BATCH, PROTOCOL) if protocol in offered]
        # A browser cannot see why a handshake failed: what is not known is accepted, then closed.
        chosen = next(iter([*known, *offered]), None)
        await send({"type": "websocket.accept", "subprotocol": chosen})
        if offered and not known:
            counts.connected(CloseCode.UNKNOWN_PROTOCOL.name.lower())
            refusal = f"this server speaks {PROTOCOL} and {BATCH}"
            await self._close(send, CloseCode.UNKNOWN_PROTOCOL, refusal)
            return
        try:
            connection = await self._let_in(shown, scope, receive, send, chosen or PROTOCOL)
            counts.closed(await _serve(connection, receive))
        except Ended as ended:
            await self._close(send, ended.code, ended.reason)

    async def _let_in(
        self, shown: Shown, scope: Scope, receive: Receive, send: Send, protocol: str
    ) -> Connection:
        try:
            connection = await self._door.let_in(shown, scope, receive, send, protocol)
        except Ended as ended:
            counts.connected(ended.code.name.lower())
            raise
        counts.connected("accepted")
        return connection

    async def _close(self, send: Send, code: CloseCode, reason: str) -> None:
        counts.closed(code)
        await close(send, code, reason, self._limits.close_s)


async def _serve(connection: Connection, receive: Receive) -> int:
    """Run the connection until one of its parts ends; raise Ended unless the client left.

    Return the code it left with: 1005 if it said none, 1006 if it went without a word.
    """
    parts = [
        asyncio.create_task(_read(connection, receive), name=f"{connection.id} read"),
        asyncio.create_task(connection.outbox.write(), name=f"{connection.id} write"),
    ]
    connection.begin()
    try:
        connection.say(_established(connection))
        over: list[asyncio.Future[Any]] = [*parts, connection.ended]
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for part in parts:
            part.cancel()
        outcomes = await asyncio.gather(*parts, return_exceptions=True)
        outbox = connection.outbox
        with counts.handing_over:
            connection.leave()
            counts.left(outbox.frames, outbox.sent_bytes, outbox.coalesced)
    if connection.ended.done():
        raise connection.ended.result()
    left_with = 1006
    for outcome in outcomes:
        match outcome:
            case int() as code:
                left_with = code
            case Ended():
                raise outcome
            case asyncio.CancelledError() | Gone() | None:
                continue
            case BaseException():
                log.error("a connection failed", exc_info=outcome)
                raise Ended(CloseCode.INTERNAL, "a mistake of the server")
    return left_with


async def _read(connection: Connection, receive: Receive) -> int:
    """Answer what the client says; return the code it leaves with."""
    commands = Commands(connection)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or 1005)
        text = message.get("text")
        if text is None:
            raise Ended(CloseCode.BINARY, "frames are text")
        counts.received(len(text))
        await commands.take(text)


def _established(connection: Connection) -> ConnectionEstablished:
    limits = connection.limits
    return ConnectionEstablished(
        timestamp=datetime.now(UTC),
        connection_id=connection.id,
        protocol=connection.protocol,
        epoch=connection.hub.tail.epoch,
        user=UserName(id=connection.access.user_id, name=connection.access.name),
        heartbeat_seconds=limits.heartbeat_s,
        limits=Announced(
            frame_bytes=limits.frame_bytes,
            subscriptions=limits.subscriptions,
            messages_per_second=limits.messages_per_second,
            resume_events=limits.resume_events,
            positions=limits.positions,
        ),
    )
