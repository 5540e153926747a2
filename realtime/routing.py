"""Which ASGI application answers what: HTTP by Django, `/ws/production` here."""

from typing import Any

from channels.routing import ProtocolTypeRouter

from realtime.auth import Scope
from realtime.consumers import ProductionSocket, Receive
from realtime.hub import stop_hub_of_this_loop
from realtime.limits import Limits
from realtime.outbox import Send

PATH = "/ws/production"


def application_for(django_app: Any, limits: Limits | None = None) -> ProtocolTypeRouter:
    """Return the application of `ms5.asgi`."""
    production = ProductionSocket(limits or Limits())

    async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == PATH:
            await production(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})  # before the accept: HTTP 403

    parts: dict[str, Any] = {"http": django_app, "websocket": sockets, "lifespan": lifespan}
    return ProtocolTypeRouter(parts)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Stop the hub with the server, where the server says so (uvicorn does, daphne does not)."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await stop_hub_of_this_loop()
            await send({"type": "lifespan.shutdown.complete"})
            return
