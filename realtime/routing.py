"""Which ASGI application answers what: HTTP by Django, `/ws/production` here."""

import asyncio
import logging
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.db import DatabaseError, InterfaceError

from realtime.auth import Scope
from realtime.checks import configured_limits
from realtime.consumers import ProductionSocket, Receive
from realtime.hub import hub_of_this_loop, stop_hub_of_this_loop
from realtime.limits import Limits
from realtime.outbox import Send
from realtime.rescue import rescue

log = logging.getLogger(__name__)

PATH = "/ws/production"


def application_for(django_app: Any, limits: Limits | None = None) -> ProtocolTypeRouter:
    """Return the application of `ms5.asgi`."""
    production = ProductionSocket(limits or configured_limits())

    async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == PATH:
            await production(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})  # before the accept: HTTP 403

    parts: dict[str, Any] = {"http": django_app, "websocket": sockets, "lifespan": lifespan}
    return ProtocolTypeRouter(parts)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Begin and end the hub with the server, where it says so: uvicorn does, with daphne the first
    connection begins it. Without a database the server starts all the same: it has to say what is wrong.
    The rescue of calls begins and ends with it too; under daphne there is none.
    """
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            rescue.start()
            try:
                await hub_of_this_loop()
            except (DatabaseError, InterfaceError) as failure:
                log.warning("the hub cannot start yet", extra={"error": str(failure).strip()})
            await send({"type": "lifespan.startup.complete"})
        else:
            await asyncio.to_thread(rescue.stop)
            await stop_hub_of_this_loop()
            await send({"type": "lifespan.shutdown.complete"})
            return
