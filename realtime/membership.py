"""The process as a member of groups: joined when the first local subscriber comes, left with the last."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from channels.layers import BaseChannelLayer

from realtime.ending import end

log = logging.getLogger(__name__)

_RECONCILE_S = 1.0
# A Redis that is paused would block for its own socket timeout.
_CALL_S = 0.5
# Probes go out every second; after so long without hearing one the membership is taken for deaf.
_DEAF_AFTER_S = 5.0


class Membership:
    """One channel of the layer, one task that receives, one that keeps the groups as they are wanted.

    The layer only brings hints and early gauges, so whatever it raises is noted and tried again, and
    never reaches a subscription. A probe sent to a group of our own every second tells whether it brings
    anything at all: after a half-open connection it raises nothing and brings nothing.
    """

    def __init__(
        self,
        layer: BaseChannelLayer,
        wanted: Callable[[], frozenset[str]],
        hear: Callable[[Mapping[str, Any]], None],
    ) -> None:
        name = uuid.uuid4().hex
        self._layer = layer
        self._wanted = wanted
        self._hear = hear
        # Not new_channel(): when Redis is away it raises and leaves a queue behind, at every attempt.
        self._channel = f"ms5.specific.{name}"
        self._own_group = f"hub.{name}"
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._joined: set[str] = set()
        self._heard_at = 0.0
        self.error = ""
        self.received = 0

    def start(self) -> None:
        self._heard_at = time.monotonic()
        self._tasks = [
            asyncio.create_task(self._receive(), name="layer.receive"),
            asyncio.create_task(self._keep(), name="layer.keep"),
        ]

    def change(self) -> None:
        """Say that what is wanted has changed; returns at once."""
        self._changed.set()

    @property
    def joined(self) -> frozenset[str]:
        """The groups of clients that the process has joined."""
        return frozenset(self._joined) - {self._own_group}

    async def stop(self) -> None:
        """End both tasks and close the layer's connections of this loop."""
        await end(*self._tasks)
        await self._close_layer()

    async def _close_layer(self) -> None:
        with suppress(Exception):  # what cannot be closed is dropped: we have finished with it
            async with asyncio.timeout(_CALL_S):
                await self._layer.flush()

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception as failure:  # noqa: BLE001 - whatever the Redis client raises; it is noted
                self._note(failure)
                await asyncio.sleep(_RECONCILE_S)
                continue
            self.received += 1
            if message.get("type") == "probe":
                self._heard_at = time.monotonic()
                continue
            try:
                self._hear(message)
            except Exception:  # one message that is not ours must not make the process deaf
                log.exception("a message of the channel layer was not understood")

    async def _keep(self) -> None:
        while True:
            try:
                await self._reconcile()
                self._note(None)
            except Exception as failure:  # noqa: BLE001 - as above; the next round tries again
                self._note(failure)
            with suppress(TimeoutError):
                async with asyncio.timeout(_RECONCILE_S):
                    await self._changed.wait()
            self._changed.clear()

    async def _reconcile(self) -> None:
        wanted = self._wanted() | {self._own_group}
        for group in wanted - self._joined:
            async with asyncio.timeout(_CALL_S):
                await self._layer.group_add(group, self._channel)
            self._joined.add(group)
        for group in self._joined - wanted:
            async with asyncio.timeout(_CALL_S):
                await self._layer.group_discard(group, self._channel)
            self._joined.discard(group)
        async with asyncio.timeout(_CALL_S):
            await self._layer.group_send(self._own_group, {"type": "probe"})
        if time.monotonic() - self._heard_at > _DEAF_AFTER_S:
            await self._start_again()

    async def _start_again(self) -> None:
        log.warning("the channel layer takes messages but brings none; it is opened again")
        await end(self._tasks[0])
        await self._close_layer()
        self._joined.clear()
        self._heard_at = time.monotonic()
        self._tasks[0] = asyncio.create_task(self._receive(), name="layer.receive")
        # The channel must exist before a group can be joined: let the new task begin.
        await asyncio.sleep(0)
        self._changed.set()

    def _note(self, failure: Exception | None) -> None:
        error = "" if failure is None else f"{type(failure).__name__}: {failure}".rstrip(": ")
        if bool(error) != bool(self.error):
            if error:
                log.warning("the channel layer failed", extra={"error": error})
            else:
                log.info("the channel layer works again")
        self.error = error
