"""How late the event loop is: what blocks it delays every connection of the process."""

import asyncio
import logging
from collections import deque

from realtime.counts import Spread
from realtime.ending import end

log = logging.getLogger(__name__)

_EVERY_S = 0.25
_LOOKS = 240
# Far above what a busy loop shows; something has called a blocking function on it.
_BLOCKED_S = 1.0


class LoopLag:
    """One task that sleeps and looks how much longer it slept than it asked for."""

    def __init__(self, spread: Spread) -> None:
        self._spread = spread
        self._recent: deque[float] = deque(maxlen=_LOOKS)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="loop.lag")

    async def stop(self) -> None:
        await end(self._task)

    @property
    def worst_s(self) -> float:
        """The latest it was within the last minute, in seconds."""
        return max(self._recent, default=0.0)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            late = max(0.0, loop.time() - due)
            self._recent.append(late)
            self._spread.add(late)
            if late > _BLOCKED_S:
                log.warning("the event loop was blocked", extra={"for_ms": round(late * 1000)})
