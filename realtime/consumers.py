"""The socket `/ws/production` as an ASGI application: let in, serve, close."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError

from realtime.auth import NotAuthenticated, Scope, Shown, shown_by, sign_in
from realtime.commands import Commands
from realtime.connection import Connection, Ended
from realtime.hub import Hub, hub_of_this_loop
from realtime.limits import Limits
from realtime.outbox import Gone, Send
from realtime.protocol import (
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        shown = shown_by(scope)
        if shown.comes_from_elsewhere:
            await send({"type": "websocket.close"})  # before the accept: HTTP 403
            return
        offered = list(scope.get("subprotocols", ()))
        chosen = PROTOCOL if PROTOCOL in offered else offered[0] if offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        if offered and chosen != PROTOCOL:
            await self._close(
                send, CloseCode.UNKNOWN_PROTOCOL, f"this server speaks {PROTOCOL}"
            )
            return
        try:
            hub, connection = await self._let_in(shown, send)
            await _serve(hub, connection, receive)
        except Ended as ended:
            await self._close(send, ended.code, ended.reason)

    async def _let_in(self, shown: Shown, send: Send) -> tuple[Hub, Connection]:
        if shown.token is None and shown.session_key is None:
            raise Ended(CloseCode.NOT_AUTHENTICATED, "no credential")
        try:
            hub = await hub_of_this_loop()
            credential, access = await hub.threads.run(sign_in, shown)
        except NotAuthenticated as refused:
            raise Ended(CloseCode.NOT_AUTHENTICATED, str(refused)) from refused
        except (DatabaseError, InterfaceError) as failure:
            log.warning("nobody can be let in", extra={"error": str(failure).strip()})
            raise Ended(CloseCode.TRY_LATER, "the database is away") from failure
        return hub, Connection(hub, credential, access, send, self._limits)

    async def _close(self, send: Send, code: CloseCode, reason: str) -> None:
        # A peer that never reads cannot be told: the send would wait for ever. To one that has gone
        # already the server raises, each in its own way.
        with suppress(Exception):
            async with asyncio.timeout(self._limits.close_s):
                await send({"type": "websocket.close", "code": code, "reason": reason})


async def _serve(hub: Hub, connection: Connection, receive: Receive) -> None:
    """Run the connection until one of its parts ends; raise Ended unless the client left."""
    hub.connections.add(connection)
    parts = [
        asyncio.create_task(_read(connection, receive), name=f"{connection.id} read"),
        asyncio.create_task(connection.outbox.write(), name=f"{connection.id} write"),
        asyncio.create_task(connection.beat(), name=f"{connection.id} beat"),
        asyncio.create_task(connection.renew(), name=f"{connection.id} renew"),
    ]
    try:
        connection.say(_established(hub, connection))
        over: list[asyncio.Future[Any]] = [*parts, connection.ended]
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for part in parts:
            part.cancel()
        outcomes = await asyncio.gather(*parts, return_exceptions=True)
        connection.leave()
    if connection.ended.done():
        raise connection.ended.result()
    for outcome in outcomes:
        match outcome:
            case Ended():
                raise outcome
            case asyncio.CancelledError() | Gone() | None:
                continue
            case BaseException():
                log.error("a connection failed", exc_info=outcome)
                raise Ended(CloseCode.INTERNAL, "a mistake of the server")


async def _read(connection: Connection, receive: Receive) -> None:
    commands = Commands(connection)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            raise Ended(CloseCode.BINARY, "frames are text")
        await commands.take(text)


def _established(hub: Hub, connection: Connection) -> ConnectionEstablished:
    limits = connection.limits
    return ConnectionEstablished(
        timestamp=datetime.now(UTC),
        connection_id=connection.id,
        protocol=PROTOCOL,
        epoch=hub.tail.epoch,
        user=UserName(id=connection.access.user_id, name=connection.access.name),
        heartbeat_seconds=limits.heartbeat_s,
        limits=Announced(
            frame_bytes=limits.frame_bytes,
            subscriptions=limits.subscriptions,
            messages_per_second=limits.messages_per_second,
            resume_events=limits.resume_events,
        ),
    )
