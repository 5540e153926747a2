"""The heart of a connection: one timer, and what it does when it beats."""

import asyncio
from collections.abc import Callable

_SOON_S = 0.1


class Heart:
    """Calls `beat` every `period_s` seconds on the loop, and sooner when asked to."""

    def __init__(self, beat: Callable[[], None], period_s: float) -> None:
        self._beat = beat
        self._period_s = period_s
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._within(self._period_s)

    def soon(self) -> None:
        """Beat now rather than in a few seconds: there is something new to say."""
        self._within(min(_SOON_S, self._period_s))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _within(self, seconds: float) -> None:
        """Beat after so long, unless it is due before."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._run)

    def _run(self) -> None:
        self._timer = None
        self._beat()
        self._within(self._period_s)
