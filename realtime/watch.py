"""What a hub looks at by the clock: who may still see what, how fresh the data is, what is degraded."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from realtime.access import Access, Credential, look_again
from realtime.health import degraded_parts
from realtime.protocol import CloseCode, FreshnessNow
from telemetry import snapshot as telemetry

if TYPE_CHECKING:
    from realtime.hub import Hub

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_HEALTH_EVERY = 5


class Watch:
    """One task; a look that fails is logged once, leaves all as it was, and is tried again."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._task: asyncio.Task[None] | None = None
        self._freshness: dict[str, telemetry.Freshness] = {}
        self._freshness_at = 0.0
        self._failing = False
        self.degraded: list[str] = []

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="hub.watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def freshness(self, lines: frozenset[str]) -> dict[str, FreshnessNow]:
        """Return how old the data of these lines is now: the last look, and the time since."""
        since_ms = round((time.monotonic() - self._freshness_at) * 1000)
        return {
            line: FreshnessNow(
                plc=fresh.plc,
                age_ms=None if fresh.age_ms is None else fresh.age_ms + since_ms,
                quality=fresh.quality,
            )
            for line, fresh in self._freshness.items()
            if line in lines
        }

    async def _run(self) -> None:
        turn = 0
        while True:
            if self._hub.connections:
                try:
                    await self._look(with_health=turn % _HEALTH_EVERY == 0)
                    self._failing = False
                except Exception:  # the watch must outlive a database that is away
                    if not self._failing:
                        log.exception("a look at access and freshness failed")
                    self._failing = True
                turn += 1
            await asyncio.sleep(_EVERY_S)

    async def _look(self, *, with_health: bool) -> None:
        threads = self._hub.threads
        asked = {connection.credential for connection in self._hub.connections}
        self._apply(await threads.run(look_again, asked, datetime.now(UTC)))
        at = time.monotonic()
        self._freshness = await threads.run(telemetry.freshness, datetime.now(UTC))
        self._freshness_at = at
        if with_health:
            self.degraded = await threads.run(degraded_parts, datetime.now(UTC))

    def _apply(self, found: dict[Credential, Access | CloseCode]) -> None:
        for connection in tuple(self._hub.connections):
            match found.get(connection.credential):
                case CloseCode() as code:
                    connection.end(code, "this sign-in is over")
                case Access() as access:
                    connection.see(access)
                case None:
                    continue  # it came while we looked
