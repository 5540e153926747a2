"""Hints and gauges leave the process that committed: from one thread, dropped rather than waited for."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from channels.layers import get_channel_layer

from ms5.database import chunks
from ms5.events.log import SYS, Appended
from realtime.layer import Layer
from realtime.routed import groups_of_written

log = logging.getLogger(__name__)

_SEND_S = 0.2
_TOGETHER = 100
"""Messages that leave in one go, within that time."""
# After a failure nothing is tried for so long: a Redis that hangs would cost 200 ms a message.
_PAUSE_S = 1.0


@dataclass(slots=True)
class _Due:
    """What is to be sent: per stream the newest head, per gauge the newest value."""

    hints: dict[str, tuple[int, set[str]]] = field(default_factory=dict)
    gauges: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, Any]]] = field(
        default_factory=dict
    )

    def __len__(self) -> int:
        return len(self.hints) + len(self.gauges)


class Sender:
    """One per process; a forked one begins its own at its first commit."""

    def __init__(self, layer: Layer) -> None:
        self.pid = os.getpid()
        self.sent = 0
        self.dropped = 0
        self._layer = layer
        self._lock = threading.Lock()
        self._due = _Due()
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        self._failing = False
        threading.Thread(target=self._run, name="broadcast", daemon=True).start()

    def put(self, appended: Sequence[Appended]) -> None:
        """Take what a commit wrote; returns at once."""
        with self._lock:
            for one in appended:
                if one.stream != SYS:
                    self._add(one)
        self._loop.call_soon_threadsafe(self._wake.set)

    def _add(self, one: Appended) -> None:
        if one.facts:
            _, groups = self._due.hints.setdefault(one.stream, (0, set()))
            for fact in one.facts:
                groups.update(groups_of_written(fact))
            self._due.hints[one.stream] = (one.head, groups)
        for gauge in one.gauges:
            groups_of_gauge = groups_of_written(gauge)
            message = {
                "type": "gauge",
                "stream": one.stream,
                "key": gauge.key,
                "ver": gauge.position,
                "line_id": gauge.line_id,
                "groups": groups_of_gauge,
                "text": gauge.text,
            }
            self._due.gauges[one.stream, gauge.key] = (groups_of_gauge, message)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._drain())

    async def _drain(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            with self._lock:
                due, self._due = self._due, _Due()
            if time.monotonic() < self._paused_until:
                self.dropped += len(due)
                continue
            try:
                await self._send(due)
            except Exception as failure:  # noqa: BLE001 - any: the tail brings what a hint would hurry
                self._paused_until = time.monotonic() + _PAUSE_S
                if not self._failing:
                    log.warning("hints are dropped", extra={"error": _sentence(failure)})
                self._failing = True
            else:
                if self._failing:
                    log.info("hints leave again", extra={"dropped": self.dropped})
                self._failing = False

    async def _send(self, due: _Due) -> None:
        messages: list[tuple[Collection[str], dict[str, Any]]] = [
            (groups, {"type": "hint", "stream": stream, "head": head})
            for stream, (head, groups) in due.hints.items()
        ]
        messages += due.gauges.values()
        left = len(messages)
        try:
            for some in chunks(messages, _TOGETHER):
                async with asyncio.timeout(_SEND_S):
                    await self._layer.group_send_all(
                        (group, message) for groups, message in some for group in groups
                    )
                left -= len(some)
                self.sent += len(some)
        finally:
            self.dropped += left


def _sentence(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}".rstrip(": ")


_sender: Sender | None = None
_making = threading.Lock()


def announce(appended: Sequence[Appended]) -> None:
    """Tell the other processes what a commit wrote. Registered with `ms5.events.log.on_append`."""
    global _sender  # noqa: PLW0603 - one per process, made when the first commit needs it
    sender = _sender
    if sender is None or sender.pid != os.getpid():
        with _making:
            sender = _sender
            if sender is None or sender.pid != os.getpid():
                layer = cast(Layer | None, get_channel_layer())
                if layer is None:
                    return
                sender = _sender = Sender(layer)
    sender.put(appended)


def dropped() -> int:
    """Return how many hints and gauges this process has dropped."""
    return _sender.dropped if _sender is not None else 0
