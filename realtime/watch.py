"""What a hub looks at by the clock: who may still see what, how fresh the data is, what is degraded."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from realtime.access import Access, Credential, look_again
from realtime.ending import end
from realtime.health import degraded_parts
from realtime.places import PLACES
from realtime.protocol import CloseCode, FreshnessNow
from realtime.targets import Scope
from telemetry import snapshot as telemetry

if TYPE_CHECKING:
    from realtime.hub import Hub

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_HEALTH_EVERY = 5
# However often something changes, so long lies between two looks that changes here have caused.
_AT_MOST_EVERY_S = 0.1
_REASONS = {
    CloseCode.NOT_AUTHENTICATED: "this sign-in is over",
    CloseCode.DISABLED: "this account or token may not listen any more",
}


class Watch:
    """One task; a look that fails is logged once, leaves all as it was, and is tried again.

    What is taken away falls silent within a second and the length of a look, whichever process or person
    took it. A logout, a changed person, token or line of this process causes a look after its commit, within
    `_AT_MOST_EVERY_S`.
    """

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._task: asyncio.Task[None] | None = None
        self._freshness: dict[str, telemetry.Freshness] = {}
        self._freshness_at = 0.0
        self._failing = False
        self._loop = asyncio.get_running_loop()
        self._something_changed = asyncio.Event()
        self.degraded: list[str] = []

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="hub.watch")

    async def stop(self) -> None:
        await end(self._task)

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

    def look_soon(self) -> None:
        """Look at access without waiting for the clock; from any thread."""
        # A hub whose loop is over (daphne says nothing before) has nobody left to look for.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._something_changed.set)

    async def _run(self) -> None:
        due, turn = 0.0, 0
        while True:
            self._something_changed.clear()
            if self._hub.connections:
                by_the_clock = self._loop.time() >= due
                try:
                    await self._look_at_access()
                    if by_the_clock:
                        await self._look(with_health=turn % _HEALTH_EVERY == 0)
                    self._failing = False
                except Exception:  # the watch must outlive a database that is away
                    if not self._failing:
                        log.exception("a look at access and freshness failed")
                    self._failing = True
                if by_the_clock:
                    due, turn = self._loop.time() + _EVERY_S, turn + 1
            else:
                # What was seen when somebody last listened would be old news to who comes next.
                self._freshness, self.degraded = {}, []
                due, turn = 0.0, 0
            await asyncio.sleep(_AT_MOST_EVERY_S)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due or self._loop.time() + _EVERY_S):
                    await self._something_changed.wait()

    async def _look_at_access(self) -> None:
        asked = {connection.credential for connection in self._hub.connections}
        self._apply(await self._hub.threads.run(look_again, asked, datetime.now(UTC)))

    async def _look(self, *, with_health: bool) -> None:
        threads = self._hub.threads
        at, first = time.monotonic(), not self._freshness
        self._freshness = await threads.run(telemetry.freshness, datetime.now(UTC))
        self._freshness_at = at
        if with_health:
            self.degraded = await threads.run(degraded_parts, datetime.now(UTC))
        await self._look_at_places()
        if first:
            for connection in tuple(self._hub.connections):
                connection.beat_soon()

    async def _look_at_places(self) -> None:
        """Let those who hear an equipment follow it to another line."""
        codes = {
            target.value
            for connection in self._hub.connections
            for target in connection.targets
            if target.scope is Scope.EQUIPMENT
        }
        if codes:
            lines = await self._hub.threads.run(PLACES.lines_of, codes)
            for connection in tuple(self._hub.connections):
                connection.follow(lines)

    def _apply(self, found: dict[Credential, Access | CloseCode]) -> None:
        for connection in tuple(self._hub.connections):
            match found.get(connection.credential):
                case CloseCode() as code:
                    connection.end(code, _REASONS[code])
                case Access() as access:
                    connection.see(access)
                case None:
                    continue  # it came while we looked
