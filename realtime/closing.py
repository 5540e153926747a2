"""Telling a peer that its connection ends, and why, whichever server carries it."""

import asyncio
import logging

from realtime.outbox import Send
from realtime.protocol import CloseCode

log = logging.getLogger(__name__)

# Daphne, by autobahn, sends 1000 and what applications define, from 3000 on; of the others it says that
# they are not for an application. The client does the same after the code that stands in.
_STANDS_IN = {
    CloseCode.BINARY: CloseCode.MALFORMED,
    CloseCode.TOO_BIG: CloseCode.MALFORMED,
    CloseCode.INTERNAL: CloseCode.CONTINUITY_LOST,
    CloseCode.RESTART: CloseCode.CONTINUITY_LOST,
    CloseCode.TRY_LATER: CloseCode.OVERLOADED,
}


class Ended(Exception):
    """The connection is over, with the code the client is told."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def close(send: Send, code: CloseCode, reason: str, within_s: float) -> None:
    """Send the close; a peer that never reads cannot be told, since the send would wait for ever."""
    for spoken in (code, _STANDS_IN.get(code)):
        if spoken is None:
            return
        # An int proper: autobahn takes no kind of it.
        message = {"type": "websocket.close", "code": int(spoken), "reason": reason}
        try:
            async with asyncio.timeout(within_s):
                await send(message)
        except TimeoutError:
            return
        except Exception as failure:  # noqa: BLE001 - to one that has gone each server raises its own kind
            log.debug("a close was not sent", extra={"code": spoken, "error": str(failure)})
        else:
            return
