"""The hub of a process: one tail, one membership, and a dictionary from group to connections."""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.layers import get_channel_layer

from ms5.events.log import SYS
from ms5.events.tail import Batch, Tail
from realtime.interest import Interest
from realtime.membership import Membership
from realtime.pictures import Pictures
from realtime.protocol import CloseCode, ProcessTotals
from realtime.routed import Fact, Gauge, fact_of, gauge_of
from realtime.threads import DatabaseThreads
from realtime.watch import Watch

if TYPE_CHECKING:
    from realtime.connection import Connection

log = logging.getLogger(__name__)

# How long the tail's thread waits for the loop before it looks whether the hub has ended.
_HAND_OVER_S = 1.0


class Hub:
    """Delivers each event once to each connection that hears one of its groups.

    Everything but `wants`, `gained` and `lost`, which the tail calls from its thread, runs on the loop.
    """

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.positions: dict[str, int] = {}
        self.gauges: dict[tuple[str, str], Gauge] = {}
        self.interest = Interest()
        self.threads = DatabaseThreads(2, "realtime")
        self.pictures = Pictures(DatabaseThreads(2, "snapshot"))
        self.tail = Tail(self)
        self.watch = Watch(self)
        self.membership: Membership | None = None
        self.events = 0
        self.deliveries = 0
        self._groups: dict[str, set[Connection]] = {}
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        self._loop = asyncio.get_running_loop()
        self._ended = False

    async def start(self) -> None:
        """Begin to follow the log. Raises what the database raises."""
        await self.threads.run(self.tail.start)
        layer = get_channel_layer()
        if layer is not None:
            self.membership = Membership(layer, self._wanted_groups, self._hear)
            self.membership.start()
        self.watch.start()

    async def stop(self) -> None:
        """End every thread and task of the hub, and close their connections."""
        self._ended = True
        await self.watch.stop()
        if self.membership is not None:
            await self.membership.stop()
        await asyncio.to_thread(self.tail.stop)
        await self.threads.close()
        await self.pictures.threads.close()

    def join(self, group: str, connection: "Connection") -> None:
        """Let the connection hear the group. No network: whether Redis is there is another matter."""
        members = self._groups.get(group)
        if members is None:
            members = self._groups[group] = set()
            if self.membership is not None:
                self.membership.change()
        members.add(connection)

    def leave(self, group: str, connection: "Connection") -> None:
        members = self._groups.get(group, set())
        members.discard(connection)
        if not members and self._groups.pop(group, None) is not None and self.membership:
            self.membership.change()

    def newest(self, gauge: Gauge) -> Gauge:
        """Return the newest value of the gauge's key that is known here."""
        seen = self.gauges.get((gauge.stream, gauge.key), gauge)
        return seen if seen.ver >= gauge.ver else gauge

    async def reached(self, stream: str, seq: int) -> None:
        """Return once every fact up to `seq` has been given to the connections."""
        if self.positions.get(stream, 0) >= seq:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((stream, seq, future))
        self.tail.wake()
        await future

    def totals(self) -> ProcessTotals:
        """Return what the process carries."""
        from realtime.broadcast import dropped  # noqa: PLC0415 - a leaf that only figures need

        return ProcessTotals(
            connections=len(self.connections),
            groups=len(self._groups),
            events=self.events,
            deliveries=self.deliveries,
            hints_received=self.membership.received if self.membership else 0,
            hints_dropped=dropped(),
            tail_age_ms=round(self.tail.age_s * 1000),
        )

    # The tail's thread

    def wants(self, stream: str) -> bool:
        return stream != SYS and self.interest.wants(stream)

    def gained(self, batch: Batch) -> None:
        facts = [fact_of(batch.stream, written) for written in batch.facts]
        gauges = [gauge_of(batch.stream, written) for written in batch.gauges]
        done = threading.Event()

        def give() -> None:
            try:
                self._deliver(facts, gauges, batch.stream, batch.position)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(give)
        # Waiting is the back-pressure: without it a long read would pile up on the loop.
        while not done.wait(_HAND_OVER_S) and not self._ended:
            continue

    def lost(self, reason: str) -> None:
        self._loop.call_soon_threadsafe(self._begin_again, reason)

    # The loop

    def _deliver(
        self, facts: list[Fact], gauges: list[Gauge], stream: str, position: int
    ) -> None:
        for fact in facts:
            self.events += 1
            for connection in self._hearing(fact.groups):
                self.deliveries += 1
                connection.feed.hear_fact(fact)
        self.positions[stream] = max(position, self.positions.get(stream, 0))
        for gauge in gauges:
            self._give_gauge(gauge)
        self._release()

    def _give_gauge(self, gauge: Gauge) -> None:
        """Give a value to its connections unless it, or a newer one, has been given before."""
        key = (gauge.stream, gauge.key)
        newest = self.gauges.get(key)
        if newest is not None and newest.ver >= gauge.ver:
            return
        self.gauges[key] = gauge
        self.events += 1
        for connection in self._hearing(gauge.groups):
            self.deliveries += 1
            connection.feed.hear_gauge(gauge)

    def _hearing(self, groups: tuple[str, ...]) -> "set[Connection] | tuple[Connection, ...]":
        found = [members for group in groups if (members := self._groups.get(group))]
        if len(found) == 1:
            # A copy: whoever is cut off while it hears leaves the set that is gone through.
            return tuple(found[0])
        return set().union(*found)

    def _release(self) -> None:
        still = []
        for stream, seq, future in self._waiting:
            if future.done():
                continue
            if self.positions.get(stream, 0) >= seq:
                future.set_result(None)
            else:
                still.append((stream, seq, future))
        self._waiting = still

    def _begin_again(self, reason: str) -> None:
        self.positions.clear()
        self.gauges.clear()
        self.pictures.forget()
        for connection in tuple(self.connections):
            connection.end(CloseCode.CONTINUITY_LOST, reason)

    def _wanted_groups(self) -> frozenset[str]:
        return frozenset(self._groups)

    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take a message of the layer: a hint wakes the tail, a gauge is given at once."""
        match message:
            case {"type": "hint", "stream": str(stream), "head": int(head)}:
                if self.positions.get(stream, -1) < head:
                    self.tail.wake()
            case {
                "type": "gauge",
                "stream": str(stream),
                "key": str(key),
                "ver": int(ver),
                "line_id": line_id,
                "groups": groups,
                "text": str(text),
            }:
                self._give_gauge(Gauge(stream, key, ver, line_id, tuple(groups), text))
            case _:
                log.warning("unknown message", extra={"type": message.get("type")})


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
_starting: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}


async def hub_of_this_loop() -> Hub:
    """Return the running hub, starting it for the first connection: daphne sends no lifespan.

    Raises what the database raises, and tries again for the next connection.
    """
    loop = asyncio.get_running_loop()
    async with _starting.setdefault(loop, asyncio.Lock()):
        hub = _hubs.get(loop)
        if hub is None:
            hub = Hub()
            began = time.monotonic()
            try:
                await hub.start()
            except BaseException:
                await hub.stop()
                raise
            _hubs[loop] = hub
            log.info("hub started", extra={"took_ms": round((time.monotonic() - began) * 1000)})
        return hub


async def stop_hub_of_this_loop() -> None:
    """Stop the hub, if one was started."""
    loop = asyncio.get_running_loop()
    _starting.pop(loop, None)
    hub = _hubs.pop(loop, None)
    if hub is not None:
        await hub.stop()


def running_hubs() -> tuple[Hub, ...]:
    """Return the hubs of this process: one, or none before the first connection."""
    return tuple(_hubs.values())
