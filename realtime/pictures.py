"""Pictures shared: however many connections ask, a stream is read once, and again only when it must be."""

import asyncio
import time
from dataclasses import dataclass, field

from realtime.snapshot import Picture, picture_of
from realtime.threads import DatabaseThreads

# Facts in a picture stay true at its position; its gauges age.
_KEEP_S = 1.0


@dataclass(slots=True)
class Pictures:
    """Single flight per stream over threads of its own."""

    threads: DatabaseThreads
    reads: int = 0
    _kept: dict[str, tuple[float, Picture]] = field(default_factory=dict)
    _flights: dict[str, asyncio.Task[tuple[float, Picture]]] = field(default_factory=dict)

    async def get(self, stream: str, *, at_least: int, not_before: float) -> Picture:
        """Return a picture at or after `at_least`, whose reading began after `not_before` (monotonic).

        Raises NoSuchLine, and what the database raises.
        """
        began, picture = self._kept.get(stream, (0.0, None))
        if picture is None or time.monotonic() - began > _KEEP_S:
            began, picture = await self._read_once(stream)
        while began < not_before or picture.position < at_least:
            began, picture = await self._read_once(stream)
        return picture

    def forget(self) -> None:
        """Positions of before mean nothing any more."""
        self._kept.clear()
        self._flights.clear()

    async def _read_once(self, stream: str) -> tuple[float, Picture]:
        flight = self._flights.get(stream)
        if flight is None:
            flight = self._flights[stream] = asyncio.create_task(self._read(stream))
            flight.add_done_callback(_take_note)
        # Shielded: who gives up waiting must not spoil it for those who share the flight.
        return await asyncio.shield(flight)

    async def _read(self, stream: str) -> tuple[float, Picture]:
        began = time.monotonic()
        self.reads += 1
        try:
            picture = await self.threads.run(picture_of, stream)
        finally:
            self._flights.pop(stream, None)
        self._kept[stream] = (began, picture)
        return began, picture


def _take_note(flight: asyncio.Task[tuple[float, Picture]]) -> None:
    # Its waiters may all have gone; the failure was theirs to tell.
    if not flight.cancelled():
        flight.exception()
