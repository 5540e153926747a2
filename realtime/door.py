"""The door of the socket: who comes in, as whom, and how many at a time."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from ms5.addresses import client_address
from realtime.auth import (
    Guest,
    NotAllowed,
    NotAuthenticated,
    Scope,
    Shown,
    sign_in,
    sign_in_with_ticket,
)
from realtime.closing import Ended
from realtime.connection import Connection
from realtime.crowd import Crowd, Full
from realtime.frames import Refused, parse_frame
from realtime.hub import Hub, hub_of_this_loop
from realtime.limits import Limits
from realtime.outbox import Send
from realtime.protocol import Auth, CloseCode

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]

_LIFE_VARIES = 0.1
# Our server's own way to take a text at once (ms5.web.bounded); others have none.
WRITE_NOW = "ms5.write_now"
# A database that hangs raises nothing; the client is better told to try again.
_SIGN_IN_S = 10.0


class Door:
    """One instance lets in the connections of a process. It is asked after the handshake was accepted.

    A browser learns nothing of a handshake that was refused, and would try again at once; of an accepted
    one it can read the code it is closed with, and for how long to stay away.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.crowd = Crowd(limits)

    async def let_in(
        self, shown: Shown, scope: Scope, receive: Receive, send: Send, protocol: str
    ) -> Connection:
        """Return the connection of who came. Raises Ended.

        Its places are given back when the task that runs it ends, however that comes about.
        """
        address = address_of(scope)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a socket is served by a task")
        if not self.crowd.knock(address, time.monotonic()):
            raise Ended(CloseCode.OVERLOADED, "too many connections a second from this address")
        try:
            self.crowd.come()
            task.add_done_callback(lambda _: self.crowd.go())
            hub = await hub_of_this_loop()
            guest = await self._guest(hub, shown, receive, address)
            counted = None if guest.is_kiosk else address
            user_id = guest.credential.user_id
            self.crowd.sit(user_id, counted)
            task.add_done_callback(lambda _: self.crowd.rise(user_id, counted))
        except Full as full:
            raise Ended(CloseCode.OVERLOADED, str(full)) from full
        except NotAuthenticated as refused:
            raise Ended(CloseCode.NOT_AUTHENTICATED, str(refused)) from refused
        except NotAllowed as refused:
            raise Ended(CloseCode.DISABLED, str(refused)) from refused
        except (DatabaseError, InterfaceError, TimeoutError) as failure:
            log.warning("nobody can be let in", extra={"error": str(failure).strip()})
            raise Ended(CloseCode.TRY_LATER, "the database is away") from failure
        connection = Connection(
            hub,
            guest.credential,
            guest.access,
            send,
            self._limits,
            protocol=protocol,
            write_now=scope.get("extensions", {}).get(WRITE_NOW),
        )
        # Connections that began together, after a restart, must not all end together a day later.
        life_s = self._limits.life_s * random.uniform(1 - _LIFE_VARIES, 1 + _LIFE_VARIES)  # noqa: S311 - no secret
        old = asyncio.get_running_loop().call_later(
            life_s, connection.end, CloseCode.RESTART, "it is time to connect anew"
        )
        task.add_done_callback(lambda _: old.cancel())
        return connection

    async def _guest(self, hub: Hub, shown: Shown, receive: Receive, address: str) -> Guest:
        if not shown.is_nothing:
            async with asyncio.timeout(_SIGN_IN_S):
                return await hub.threads.run(sign_in, shown)
        self.crowd.wait(address)
        try:
            async with asyncio.timeout(self._limits.ticket_s):
                message = await receive()
        except TimeoutError as late:
            raise Ended(CloseCode.NO_AUTH_IN_TIME, "no ticket came in time") from late
        finally:
            self.crowd.wait_no_more(address)
        if message["type"] == "websocket.disconnect":
            raise Ended(CloseCode.NORMAL, "it left")
        return await hub.threads.run(sign_in_with_ticket, self._ticket(message.get("text")))

    def _ticket(self, text: str | None) -> str:
        """Return the ticket of the first frame. Whatever else it is, it is no sign-in."""
        if text is None or len(text.encode()) > self._limits.ticket_frame_bytes:
            raise NotAuthenticated("the first frame shows a ticket, and nothing else")
        try:
            first = parse_frame(text, self._limits)
        except Refused as refused:
            raise NotAuthenticated("the first frame shows a ticket") from refused
        if not isinstance(first, Auth) or first.ticket is None:
            raise NotAuthenticated("sign in first: no cookie, no header, and no ticket came")
        return first.ticket


def address_of(scope: Scope) -> str:
    """Return the address the socket is counted by."""
    peer = scope.get("client")
    forwarded = [
        value.decode("latin-1")
        for name, value in scope["headers"]
        if name.lower() == b"x-forwarded-for"
    ]
    return client_address(peer[0] if peer else None, forwarded, settings.TRUSTED_PROXIES)
