"""One tick of a shard: read the PLCs that are due, keep, announce and observe what came."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from ms5.processes.heartbeats import heartbeat
from ms5.processes.leases import give_back, instance, take
from production.actions import observe
from production.observation import Observation
from telemetry import quarantine, status
from telemetry.backoff import LOST_AFTER, is_lost
from telemetry.choices import LinkStatus
from telemetry.drivers.base import Quality, Reading
from telemetry.interpret import COUNTER_ROLES, interpret
from telemetry.links import Link, Links, Outcome
from telemetry.meaning import TagMeaning
from telemetry.movement import Seen, watched
from telemetry.samples import Samples
from telemetry.telling import Gauges
from telemetry.wiring import WiredEquipment, WiredPlc, WiredTag, Wiring, load, version

log = logging.getLogger(__name__)

PERIOD_S = 1.0
LEASE = timedelta(seconds=5)
BUDGET_S = 0.8
"""A tick waits no longer than this for what it started; the next one takes over the rest."""
WINDOW_S = 0.15
"""Readings that come within this are written together."""
LOOK_EVERY_S = 2.0
"""How often the configuration is looked at."""

LEAST_GAP_S = 5.0
"""A counter that was not read for so long is watched anew."""

BUSY = -1
ELSEWHERE = -2


class Poll:
    """The polling of one shard by one worker. Its connections live from tick to tick.

    The worker that holds the shard's lease polls; any other one has no connection open. A holder that
    died loses the lease after five seconds.
    """

    def __init__(
        self,
        shard: int,
        *,
        holder: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shard = shard
        self.name = f"poll.{shard}"
        self.holder = holder or instance()
        self.links = Links(self.name, clock=clock)
        self._clock = clock
        self._samples = Samples(clock)
        self._turn = threading.Lock()
        self._wiring: Wiring | None = None
        self._looked_at = clock()
        self._gauges = Gauges(clock)
        self._moved: dict[int, Seen] = {}
        self._warned: set[tuple[int, str]] = set()

    def tick(self) -> int:
        """Poll what is due; return how many PLCs answered.

        BUSY when the tick before is not over yet, ELSEWHERE when another worker has the shard.
        """
        if not self._turn.acquire(blocking=False):
            return BUSY
        try:
            if not take(self.name, self.holder, LEASE):
                self._forget()
                return ELSEWHERE
            with heartbeat(self.name, PERIOD_S) as figures:
                answered = self._work()
                figures.update(self.links.lateness(), answered=answered)
                return answered
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection and hand the shard to whoever ticks next."""
        self.links.close()
        give_back(self.name, self.holder)

    def _forget(self) -> None:
        self.links.forget()
        self._wiring = None

    def _work(self) -> int:
        self._look()
        self.links.start_due()
        until = time.monotonic() + BUDGET_S
        answered = 0
        while outcomes := self.links.gather(until, window_s=WINDOW_S):
            self._take_over(outcomes, timezone.now())
            answered += sum(outcome.readings is not None for outcome in outcomes)
        self._announce(self.links.by_plc.values(), timezone.now())
        return answered

    def _look(self) -> None:
        """Take over what was edited since the last look; what fails is done again by the next tick."""
        clock = self._clock()
        if self._wiring is not None:
            if clock - self._looked_at < LOOK_EVERY_S:
                return
            if version() == self._wiring.version:
                self._looked_at = clock
                return
        self._wiring, wiring = None, load(self.shard)
        before = {key: link.plc for key, link in self.links.by_plc.items()}
        gone = self.links.rewire(wiring)
        self._samples.follow(tag.id for plc in wiring.plcs.values() for tag in plc.tags)
        status.begin([*wiring.plcs, *wiring.disabled])
        for key, known in status.announced(wiring.plcs).items():
            link = self.links.by_plc[key]
            link.status = link.status or known
        for key, program in status.programs(wiring.plcs).items():
            link = self.links.by_plc[key]
            link.program = link.program or program
        self._say_what_was_edited(wiring, before, gone, timezone.now())
        # A map that was edited may name by now what it did not.
        self._warned.clear()
        self._gauges.forget()
        self._wiring, self._looked_at = wiring, clock

    def _say_what_was_edited(
        self,
        wiring: Wiring,
        before: Mapping[int, WiredPlc],
        gone: Sequence[WiredPlc],
        now: datetime,
    ) -> None:
        at_home = {each.id for plc in wiring.plcs.values() for each in plc.homes}
        homeless = {
            plc.id: [each.id for each in plc.homes if each.id not in at_home] for plc in gone
        }
        for key, plc in wiring.disabled.items():
            status.disabled(plc, homeless.get(key, []), now)
        for key in status.deleted(homeless.keys() - wiring.disabled.keys()):
            status.removed(before[key], homeless[key], now)
        for key, plc in wiring.plcs.items():
            old = before.get(key, plc)
            if _told(old) != _told(plc):
                status.described(plc, now)

    def _take_over(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write what came: rows first, then links that changed, then what the readings mean."""
        outcomes = [self._trusted(outcome, now) for outcome in outcomes]
        for outcome in outcomes:
            link = outcome.link
            if link.failures == 1:
                log.info("poll failed", extra={"plc": link.plc.code, "error": link.error})
        try:
            with transaction.atomic():
                status.note([outcome.link for outcome in outcomes], now)
                self._samples.keep(_readings(outcomes), now)
        except IntegrityError:
            # A tag or a PLC was deleted since we looked. The others' samples come with their next reading.
            log.warning("the configuration changed under a poll", exc_info=True)
            self._wiring = None
        self._announce([outcome.link for outcome in outcomes], now)
        observe([seen for outcome in outcomes for seen in self._observations(outcome, now)])
        self._gauges.say(self._samples, [tag for tag, _ in _readings(outcomes)])

    def _trusted(self, outcome: Outcome, now: datetime) -> Outcome:
        """The outcome, in which every reading is bad as long as nobody has accepted a changed program."""
        link = outcome.link
        if outcome.program_change:
            at_home = [each.id for each in link.plc.homes]
            quarantine.begin(link.plc.id, at_home, outcome.program_change, now)
            # What is in quarantine is part of the wiring, which is read anew before the next poll.
            self._wiring = None
        why = link.plc.quarantine or outcome.program_change
        if not why or outcome.readings is None:
            return outcome
        bad = [
            Reading(each.address, None, Quality.BAD, each.source_at, why)
            for each in outcome.readings
        ]
        ids = (tag.id for tag in outcome.tags)
        link.readings = {**link.readings, **dict(zip(ids, bad, strict=True))}
        return replace(outcome, readings=bad)

    def _announce(self, links: Iterable[Link], now: datetime) -> None:
        """Say which links changed: those that answered again, those that have not for too long."""
        for link in links:
            if link.failures == 0:
                if link.answered is not None and link.status != LinkStatus.CONNECTED:
                    status.connected(link.plc, now)
                    link.status = LinkStatus.CONNECTED
                continue
            silent_s = None if link.answered is None else self._clock() - link.answered
            if not is_lost(link.failures, silent_s, link.plc.period_s):
                continue
            news = link.status != LinkStatus.LOST
            if news:
                self._samples.keep(_stale(link, now), now)
            if news or link.said != link.error:
                status.lost(link.plc, now, failures=link.failures, error=link.error)
                link.status, link.said = LinkStatus.LOST, link.error

    def _observations(self, outcome: Outcome, now: datetime) -> Iterator[Observation]:
        """What a PLC says of the equipment at home in it, with what others last said of them."""
        if outcome.readings is None:
            return
        for equipment in outcome.link.plc.homes:
            pairs = [(tag.meaning, self._reading(tag, now)) for tag in equipment.tags]
            seen = interpret(
                equipment.id,
                pairs,
                running_above=equipment.running_above,
                received_at=now,
                rules=equipment.rules,
                seen=self._seen(equipment, pairs, outcome.link.plc.period_s),
            )
            yield seen
            if seen.state == "no_data" and seen.reason:
                self._warn(equipment, seen.reason, now)

    def _seen(
        self,
        equipment: WiredEquipment,
        pairs: Sequence[tuple[TagMeaning, Reading]],
        period_s: float,
    ) -> Seen | None:
        """How the counters of an equipment moved, where one of its rules asks that."""
        if not any(rule.when == "count_movement" for rule in equipment.rules):
            return None
        counters = [reading for tag, reading in pairs if tag.role in COUNTER_ROLES]
        values = [
            each.value
            for each in counters
            if isinstance(each.value, int | float) and not isinstance(each.value, bool)
        ]
        before = self._moved.get(equipment.id)
        if len(values) < len(counters) or not counters:
            return before
        at = max(each.source_at for each in counters)
        gap = timedelta(seconds=max(LEAST_GAP_S, LOST_AFTER * period_s))
        self._moved[equipment.id] = seen = watched(before, values, at, gap)
        return seen

    def _warn(self, equipment: WiredEquipment, reason: str, now: datetime) -> None:
        """Tell a person once of a state that nobody configured."""
        if (equipment.id, reason) in self._warned:
            return
        self._warned.add((equipment.id, reason))
        roles = {tag.meaning.role: tag.id for tag in equipment.tags}
        told_by = roles.get("state_word", equipment.tags[0].id)
        quarantine.unknown_state(told_by, reason, now)

    def _reading(self, tag: WiredTag, now: datetime) -> Reading:
        link = self.links.by_plc.get(tag.plc_id)
        reading = None if link is None else link.readings.get(tag.id)
        if reading is not None:
            return reading
        error = f"{tag.meaning.name} is in a PLC that was not read."
        return Reading(tag.spec.address, None, Quality.BAD, now, error)


def _told(plc: WiredPlc) -> tuple[object, ...]:
    """What of a PLC the boards that know its link are told of."""
    return plc.name, plc.protocol, plc.serves, plc.quarantine


def _readings(outcomes: Iterable[Outcome]) -> Iterator[tuple[WiredTag, Reading]]:
    for outcome in outcomes:
        if outcome.readings is not None:
            yield from zip(outcome.tags, outcome.readings, strict=True)


def _stale(link: Link, now: datetime) -> Iterator[tuple[WiredTag, Reading]]:
    """A reading of every tag that says that there is none any more."""
    for tag in link.plc.tags:
        yield tag, Reading(tag.spec.address, None, Quality.STALE, now, link.error)
