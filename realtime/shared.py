"""Readings shared: however many connections ask, one is made, and another only when it must be."""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from realtime.threads import DatabaseThreads

# Facts in a reading stay true at its position; its gauges age.
_KEEP_S = 1.0


class Positioned(Protocol):
    """What was read of a stream, and at which position."""

    @property
    def position(self) -> int: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Positioned)


class Shared(Generic[K, V]):
    """Single flight per key over threads of its own."""

    def __init__(self, threads: DatabaseThreads, read: Callable[[K], V]) -> None:
        self.reads = 0
        self._threads = threads
        self._read = read
        self._kept: dict[K, tuple[float, V]] = {}
        self._flights: dict[K, asyncio.Task[tuple[float, V]]] = {}

    async def get(self, key: K, *, at_least: int, not_before: float) -> V:
        """Return a reading at or after `at_least`, which began after `not_before` (monotonic).

        Raises what `read` raises.
        """
        kept = self._kept.get(key)
        if kept is None or time.monotonic() - kept[0] > _KEEP_S:
            kept = await self._once(key)
        while kept[0] < not_before or kept[1].position < at_least:
            kept = await self._once(key)
        return kept[1]

    def forget(self) -> None:
        """Positions of before mean nothing any more."""
        self._kept.clear()
        self._flights.clear()

    async def _once(self, key: K) -> tuple[float, V]:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key))
            flight.add_done_callback(_take_note)
        # Shielded: who gives up waiting must not spoil it for those who share the flight.
        return await asyncio.shield(flight)

    async def _fly(self, key: K) -> tuple[float, V]:
        began = time.monotonic()
        self.reads += 1
        task = asyncio.current_task()
        try:
            value = await self._threads.run(self._read, key)
            if (
                self._flights.get(key) is task
            ):  # after `forget()` what was read is of another life
                self._kept[key] = (began, value)
                asyncio.get_running_loop().call_later(_KEEP_S, self._drop, key, began)
        finally:
            if self._flights.get(key) is task:
                del self._flights[key]
        return began, value

    def _drop(self, key: K, began: float) -> None:
        kept = self._kept.get(key)
        if kept is not None and kept[0] == began:
            del self._kept[key]


def _take_note(flight: asyncio.Task[tuple[float, V]]) -> None:
    # Its waiters may all have gone; the failure was theirs to tell.
    if not flight.cancelled():
        flight.exception()
