"""The hub of a process: one tail, one membership, and a dictionary from group to connections."""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from channels.layers import get_channel_layer

from ms5.events.log import SYS
from ms5.events.losses import Loss
from ms5.events.tail import Batch, Tail
from realtime.canary import Canary
from realtime.cohort import Cohort, Signature
from realtime.counts import counts
from realtime.interest import Interest
from realtime.loop_lag import LoopLag
from realtime.membership import Membership
from realtime.protocol import CloseCode, ProcessTotals
from realtime.replays import Replay, Wanted, replay_of
from realtime.routed import Fact, Gauge, born_at, fact_of, gauge_of
from realtime.shared import Shared
from realtime.snapshot import Picture, picture_of
from realtime.teller import Teller
from realtime.threads import DatabaseThreads
from realtime.watch import Watch

if TYPE_CHECKING:
    from realtime.connection import Connection
    from realtime.feed import Hearer

log = logging.getLogger(__name__)

# How long the tail's thread waits for the loop before it looks whether the hub has ended.
_HAND_OVER_S = 1.0


class Hub:
    """Delivers each event once to each hearer of one of its groups: a cohort of connections that hear the
    same, or a connection that holds back while a snapshot is made for it.

    Everything runs on the loop, but `wants`, `gained` and `lost`, which the tail calls from its thread, and
    `totals`, which anybody may ask for.
    """

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.positions: dict[str, int] = {}
        self.gauges: dict[tuple[str, str], Gauge] = {}
        self.interest = Interest()
        self.threads = DatabaseThreads(2, "realtime")
        self.readers = DatabaseThreads(2, "snapshot")
        self.pictures: Shared[str, Picture] = Shared(self.readers, picture_of)
        self.replays: Shared[Wanted, Replay] = Shared(self.readers, replay_of)
        self.tail = Tail(self)
        self.watch = Watch(self)
        self.canary = Canary(self)
        self.teller = Teller(self)
        self.lag = LoopLag(counts.loop_lag)
        self.membership: Membership | None = None
        self.events = 0
        self.deliveries = 0
        self._groups: dict[str, set[Hearer]] = {}
        self._cohorts: dict[Signature, Cohort] = {}
        self._touched: list[Cohort] = []
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
        await self.canary.start()
        self.teller.start()
        self.lag.start()

    async def stop(self) -> None:
        """End every thread and task of the hub, and close their connections."""
        self._ended = True
        await self.watch.stop()
        await self.canary.stop()
        await self.teller.stop()
        await self.lag.stop()
        if self.membership is not None:
            await self.membership.stop()
        await asyncio.to_thread(self.tail.stop)
        await self.threads.close()
        await self.readers.close()

    def join(self, group: str, hearer: "Hearer") -> None:
        """Let the hearer hear the group. No network: whether Redis is there is another matter."""
        members = self._groups.get(group)
        if members is None:
            members = self._groups[group] = set()
            if self.membership is not None:
                self.membership.change()
        members.add(hearer)

    def leave(self, group: str, hearer: "Hearer") -> None:
        """Let the hearer hear the group no more."""
        members = self._groups.get(group, set())
        members.discard(hearer)
        if not members and self._groups.pop(group, None) is not None and self.membership:
            self.membership.change()

    def cohort(self, signature: Signature, *, most: int, most_bytes: int) -> Cohort:
        """Return the cohort of those who hear the same, which is a hearer of its groups."""
        cohort = self._cohorts.get(signature)
        if cohort is None:
            cohort = self._cohorts[signature] = Cohort(
                signature, self._touched.append, most=most, most_bytes=most_bytes
            )
            for group in signature.groups:
                self.join(group, cohort)
        return cohort

    def leave_cohort(self, cohort: Cohort) -> None:
        """Let the cohort go if its last member has left it."""
        if not cohort.cursors and self._cohorts.get(cohort.signature) is cohort:
            del self._cohorts[cohort.signature]
            for group in cohort.signature.groups:
                self.leave(group, cohort)

    def newest(self, gauge: Gauge) -> Gauge:
        """Return the newest value of the gauge's key; if it is this one, all who hear it are given it."""
        self._give_gauge(gauge)
        self._wake()
        return self.gauges[gauge.stream, gauge.key]

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
            groups=len(self._wanted_groups()),
            cohorts=len(self._cohorts) - self.canary.listens,
            events=self.events,
            deliveries=self.deliveries,
            hints_received=self.membership.received if self.membership else 0,
            hints_dropped=dropped(),
            pictures_read=self.pictures.reads,
            replays_read=self.replays.reads,
            tail_age_ms=round(self.tail.age_s * 1000),
        )

    # The tail's thread

    def wants(self, stream: str) -> bool:
        return self.interest.wants(stream)

    def gained(self, batch: Batch) -> None:
        facts = [fact_of(batch.stream, written) for written in batch.facts]
        gauges = [gauge_of(batch.stream, written) for written in batch.gauges]
        counts.read(written.type for written in batch.facts)
        done = threading.Event()
        failed: list[Exception] = []

        def give() -> None:
            try:
                self._deliver(facts, gauges, batch.stream, batch.position)
                now = time.time()
                for fact in facts:
                    counts.delivery.add(now - born_at(fact))
            except Exception as failure:  # noqa: BLE001 - raised again below, where the tail sees it
                failed.append(failure)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(give)
        # Waiting is the back-pressure: without it a long read would pile up on the loop.
        while not done.wait(_HAND_OVER_S) and not self._ended:
            continue
        if failed:
            # Who was to hear it did not: the tail starts again, and tells everybody.
            raise failed[0]

    def lost(self, loss: Loss, reason: str) -> None:
        counts.lost(loss)
        self._loop.call_soon_threadsafe(self._begin_again, reason)

    # The loop

    def _deliver(
        self, facts: list[Fact], gauges: list[Gauge], stream: str, position: int
    ) -> None:
        for fact in facts:
            self.events += 1
            for hearer in self._hearing(fact.groups):
                hearer.hear_fact(fact)
        self.positions[stream] = max(position, self.positions.get(stream, 0))
        for gauge in gauges:
            self._give_gauge(gauge)
        self._wake()
        self._release()

    def _give_gauge(self, gauge: Gauge) -> None:
        """Give a value to its hearers unless it, or a newer one, has been given before."""
        key = (gauge.stream, gauge.key)
        newest = self.gauges.get(key)
        if newest is not None and newest.ver >= gauge.ver:
            return
        self.gauges[key] = gauge
        self.events += 1
        for hearer in self._hearing(gauge.groups):
            hearer.hear_gauge(gauge)

    def _wake(self) -> None:
        """Let those write to whom something is due."""
        for cohort in self._touched:
            self.deliveries += cohort.wake()
        self._touched.clear()

    def _hearing(self, groups: tuple[str, ...]) -> "Collection[Hearer]":
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
        self.replays.forget()
        self.canary.begin_again()
        for connection in tuple(self.connections):
            connection.end(CloseCode.CONTINUITY_LOST, reason)

    def _wanted_groups(self) -> frozenset[str]:
        """Return the groups of clients: what is our own never leaves the process."""
        # A copy, taken at once: figures are asked for from other threads.
        groups = tuple(self._groups)
        return frozenset(group for group in groups if not group.startswith(f"{SYS}."))

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
                self._wake()
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
