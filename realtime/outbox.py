"""What waits to be sent on a connection, and the one writer that sends it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Overflow(Exception):
    """More waits than a client may leave unread."""


class Gone(Exception):
    """The server could not send: the client has left."""


class Outbox:
    """Messages in order, and of each gauge only the newest. Texts are shared, never copied."""

    def __init__(self, send: Send, *, most: int, most_bytes: int) -> None:
        self._send = send
        self._most = most
        self._most_bytes = most_bytes
        self._messages: deque[str] = deque()
        self._message_bytes = 0
        self._gauges: dict[tuple[str, str], str] = {}
        self._due = asyncio.Event()
        self.sent = 0
        self.sent_bytes = 0
        self.coalesced = 0

    @property
    def waiting(self) -> int:
        """How many messages wait for the client to read."""
        return len(self._messages) + len(self._gauges)

    def put(self, text: str) -> None:
        """Send this after all that waits. Raises Overflow."""
        full = len(self._messages) >= self._most
        if full or self._message_bytes + len(text) > self._most_bytes:
            raise Overflow
        self._messages.append(text)
        self._message_bytes += len(text)
        self._due.set()

    def put_gauge(self, key: tuple[str, str], text: str) -> None:
        """Send this value of the key, unless a newer one comes before its turn."""
        self.coalesced += key in self._gauges
        self._gauges[key] = text
        self._due.set()

    async def write(self) -> None:
        """Send what is due, for ever. Raises Gone."""
        while True:
            await self._due.wait()
            self._due.clear()
            while self._messages or self._gauges:
                for _ in range(len(self._messages)):
                    text = self._messages.popleft()
                    self._message_bytes -= len(text)
                    await self._write(text)
                for key in tuple(self._gauges):
                    await self._write(self._gauges.pop(key))

    async def _write(self, text: str) -> None:
        try:
            await self._send({"type": "websocket.send", "text": text})
        except Exception as failure:  # every server has its own way to say so
            raise Gone from failure
        self.sent += 1
        self.sent_bytes += len(text)
