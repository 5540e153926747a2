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
from ms5.processes.leases import give_back, holds, instance, take
from production.actions import observe
from production.isolation import each_alone, raise_failed, together_or_alone
from production.observation import Observation
from telemetry import quarantine, status
from telemetry.backoff import LOST_AFTER, is_lost
from telemetry.choices import LinkStatus
from telemetry.drivers.base import Quality, Reading
from telemetry.edits import Told
from telemetry.interpret import COUNTER_ROLES, interpret
from telemetry.links import Link, Links, Outcome
from telemetry.meaning import TagMeaning
from telemetry.movement import Seen, watched
from telemetry.samples import Samples
from telemetry.telling import Gauges
from telemetry.wiring import WiredEquipment, WiredTag, Wiring, load, version

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

WARN_EVERY_S = 60.0
"""A warning of a tag tells of another number at most so often."""

BUSY = -1
ELSEWHERE = -2


class Poll:
    """The polling of one shard by one worker. Its connections live from tick to tick.

    The worker that holds the shard's lease polls; any other one has no connection open. A holder that
    died loses the lease after five seconds; one that was only held up says nothing more of what it read
    before, as soon as another has taken over. `rewired` is called when other tags were taken over.
    """

    def __init__(
        self,
        shard: int,
        *,
        holder: str = "",
        clock: Callable[[], float] = time.monotonic,
        rewired: Callable[[], None] = lambda: None,
    ) -> None:
        self.shard = shard
        self.name = f"poll.{shard}"
        self.holder = holder or instance()
        self.links = Links(self.name, clock=clock)
        self._rewired = rewired
        self._clock = clock
        self._turn = threading.Lock()
        self._looked_at = clock()
        self._begin()

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
                figures.update(self.links.lateness(), answered=max(answered, 0))
                return answered
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection and hand the shard to whoever ticks next."""
        self.links.close()
        give_back(self.name, self.holder)

    def _begin(self) -> None:
        """Know nothing yet: what was remembered while another worker had the shard is old."""
        self._wiring: Wiring | None = None
        self._told = Told()
        self._samples = Samples(self._clock)
        self._gauges = Gauges(self._clock)
        self._moved: dict[int, Seen] = {}
        self._warned: dict[int, tuple[str, float]] = {}

    def _is_ours(self) -> bool:
        """Whether the shard is still ours: who is held up in a tick may wake when another has it."""
        return holds(self.name, self.holder)

    def _forget(self) -> None:
        self.links.forget()
        self._begin()

    def _work(self) -> int:
        failed = self._look()
        self.links.start_due()
        until = time.monotonic() + BUDGET_S
        answered = 0
        while outcomes := self.links.gather(until, window_s=WINDOW_S):
            if not self._is_ours():
                self._forget()
                return ELSEWHERE
            failed += self._take_over(outcomes, timezone.now())
            answered += sum(outcome.readings is not None for outcome in outcomes)
        failed += self._announce(self.links.by_plc.values(), timezone.now())
        raise_failed(failed, "PLCs could not be taken over")
        return answered

    def _look(self) -> list[Exception]:
        """Take over what was edited since the last look; return what could not be said.

        What fails is done again by the next tick.
        """
        clock = self._clock()
        if self._wiring is not None:
            if clock - self._looked_at < LOOK_EVERY_S:
                return []
            if version() == self._wiring.version:
                self._looked_at = clock
                return []
        self._wiring, wiring = None, load(self.shard)
        self.links.rewire(wiring)
        tags = [tag for plc in wiring.plcs.values() for tag in plc.tags]
        self._samples.follow(tag.id for tag in tags)
        self._gauges.follow(tags)
        status.begin([*wiring.plcs, *wiring.disabled])
        for key, known in status.announced(wiring.plcs).items():
            link = self.links.by_plc[key]
            link.status = link.status or known
        for key, program in status.programs(wiring.plcs).items():
            link = self.links.by_plc[key]
            link.program = link.program or program
        failed = self._told.follow(wiring, timezone.now())
        # A map that was edited may name by now what it did not.
        self._warned.clear()
        self._wiring, self._looked_at = None if failed else wiring, clock
        self._rewired()
        return failed

    def _take_over(self, outcomes: Sequence[Outcome], now: datetime) -> list[Exception]:
        """Write what came: rows first, then links that changed, then what the readings mean.

        Return what failed of a PLC or a line, while the others went on.
        """
        trusted: list[Outcome] = []

        def trust(outcome: Outcome) -> int:
            trusted.append(self._trusted(outcome, now))
            return 0

        _, failed = each_alone(outcomes, trust, _named, log, "a changed program was not told")
        outcomes = trusted
        for outcome in outcomes:
            link = outcome.link
            if link.failures == 1:
                log.info("poll failed", extra={"plc": link.plc.code, "error": link.error})
        _, unwritten = together_or_alone(
            outcomes,
            lambda some: self._write(some, now),
            _named,
            log,
            "the readings of a PLC could not be written",
        )
        failed += unwritten
        failed += self._announce([outcome.link for outcome in outcomes], now)
        seen = [one for outcome in outcomes for one in self._observations(outcome, now)]
        read = [tag for tag, _ in _readings(outcomes)]
        meanings: tuple[Callable[[], int], ...] = (
            lambda: observe([each for _, each in seen]),
            lambda: self._warn(seen, now),
            lambda: self._gauges.say(self._samples, read),
        )
        _, wrong = each_alone(
            meanings, lambda say: say(), lambda _: {}, log, "what readings mean was not written"
        )
        return [*failed, *wrong]

    def _write(self, outcomes: Sequence[Outcome], now: datetime) -> int:
        """Note how the polls went and keep the samples; return how many."""
        try:
            with transaction.atomic():
                status.note([outcome.link for outcome in outcomes], now)
                return self._samples.keep(_readings(outcomes), now)
        except IntegrityError as error:
            # A tag or a PLC was deleted since we looked; the samples of the other PLCs are kept one by one.
            if len(outcomes) > 1:
                raise
            log.warning("the configuration changed under a poll", extra={"error": str(error)})
            self._wiring = None
            return 0

    def _trusted(self, outcome: Outcome, now: datetime) -> Outcome:
        """The outcome, in which every reading is bad as long as nobody has accepted a changed program."""
        link = outcome.link
        if outcome.program_change:
            at_home = [each.id for each in link.plc.homes]
            news = quarantine.begin(link.plc.id, at_home, outcome.program_change, now)
            # Not before it is written: until then each poll tells of it again.
            link.program = outcome.program
            if news or not link.plc.quarantine:
                # What is in quarantine is part of the wiring, which is read anew before the next poll.
                self._wiring = None
        why = link.plc.quarantine or outcome.program_change
        if not why or outcome.readings is None:
            return outcome
        # A change is one of every tag, those of slower rhythms too.
        tags = link.plc.tags if outcome.program_change else outcome.tags
        at = max((each.source_at for each in outcome.readings), default=now)
        bad = [Reading(tag.spec.address, None, Quality.BAD, at, why) for tag in tags]
        link.readings = {
            **link.readings,
            **{tag.id: each for tag, each in zip(tags, bad, strict=True)},
        }
        return replace(outcome, tags=tags, readings=bad)

    def _announce(self, links: Iterable[Link], now: datetime) -> list[Exception]:
        """Say which links changed: those that answered again, those that have not for too long.

        Return what failed while the others went on.
        """
        _, failed = each_alone(
            links,
            lambda link: self._announced(link, now),
            lambda link: {"plc": link.plc.code},
            log,
            "a link could not be announced",
        )
        return failed

    def _announced(self, link: Link, now: datetime) -> bool:
        """Say whether the link changed, if it did; return whether that was news to us."""
        if link.failures == 0:
            is_known = link.answered is None or link.status == LinkStatus.CONNECTED
            if is_known or not self._is_ours():
                return False
            status.connected(link.plc, now)
            link.status = LinkStatus.CONNECTED
            return True
        silent_s = None if link.answered is None else self._clock() - link.answered
        if not is_lost(link.failures, silent_s, link.period_s):
            return False
        is_news = link.status != LinkStatus.LOST
        if not (is_news or link.said != link.error) or not self._is_ours():
            return False
        if is_news:
            self._samples.keep(_stale(link, now), now)
        status.lost(link.plc, now, failures=link.failures, error=link.error)
        link.status, link.said = LinkStatus.LOST, link.error
        return is_news

    def _observations(
        self, outcome: Outcome, now: datetime
    ) -> Iterator[tuple[WiredEquipment, Observation]]:
        """What a PLC says of the equipment at home in it, with what others last said of them."""
        if outcome.readings is None:
            return
        polled_from = min((each.source_at for each in outcome.readings), default=now)
        for equipment in outcome.link.plc.homes:
            pairs = [(tag.meaning, self._reading(tag, now)) for tag in equipment.tags]
            seen = interpret(
                equipment.id,
                pairs,
                running_above=equipment.running_above,
                received_at=now,
                rules=equipment.rules,
                seen=self._seen(equipment, pairs),
                polled_from=polled_from,
                counts=equipment.counts,
            )
            yield equipment, seen

    def _seen(
        self, equipment: WiredEquipment, pairs: Sequence[tuple[TagMeaning, Reading]]
    ) -> Seen | None:
        """How the counters of an equipment moved, where one of its rules asks that."""
        if not any(rule.when == "count_movement" for rule in equipment.rules):
            return None
        counters = [
            (tag, reading)
            for tag, (meaning, reading) in zip(equipment.tags, pairs, strict=True)
            if meaning.role in COUNTER_ROLES
        ]
        values = [
            reading.value
            for _, reading in counters
            if isinstance(reading.value, int | float) and not isinstance(reading.value, bool)
        ]
        before = self._moved.get(equipment.id)
        if len(values) < len(counters) or not counters:
            return before
        at = max(reading.source_at for _, reading in counters)
        slowest_s = max(self._period_s(tag) for tag, _ in counters)
        gap = timedelta(seconds=max(LEAST_GAP_S, LOST_AFTER * slowest_s))
        self._moved[equipment.id] = seen = watched(before, values, at, gap)
        return seen

    def _period_s(self, tag: WiredTag) -> float:
        """How often a tag is read, in seconds; its PLC's caps may not allow its own period."""
        link = self.links.by_plc.get(tag.plc_id)
        return tag.period_s if link is None else max(tag.period_s, link.period_s)

    def _warn(self, seen: Iterable[tuple[WiredEquipment, Observation]], now: datetime) -> int:
        """Tell a person of states that nobody configured; return of how many it was news."""
        found = 0
        clock = self._clock()
        for equipment, observation in seen:
            if observation.state != "no_data" or not observation.reason:
                continue
            words = [tag for tag in equipment.tags if tag.meaning.role == "state_word"]
            told_by = (words or equipment.tags)[0].id
            text, said_at = self._warned.get(told_by, ("", -WARN_EVERY_S))
            # A counter that is mapped as a state shows another number at each poll.
            if text != observation.reason and clock - said_at >= WARN_EVERY_S:
                found += quarantine.unknown_state(told_by, observation.reason, now)
                self._warned[told_by] = (observation.reason, clock)
        return found

    def _reading(self, tag: WiredTag, now: datetime) -> Reading:
        link = self.links.by_plc.get(tag.plc_id)
        reading = None if link is None else link.readings.get(tag.id)
        if reading is not None:
            return reading
        error = f"{tag.meaning.name} is in a PLC that was not read."
        return Reading(tag.spec.address, None, Quality.BAD, now, error)


def _named(outcome: Outcome) -> Mapping[str, str]:
    return {"plc": outcome.link.plc.code}


def _readings(outcomes: Iterable[Outcome]) -> Iterator[tuple[WiredTag, Reading]]:
    for outcome in outcomes:
        if outcome.readings is not None:
            yield from zip(outcome.tags, outcome.readings, strict=True)


def _stale(link: Link, now: datetime) -> Iterator[tuple[WiredTag, Reading]]:
    """A reading of every tag that says that there is none any more."""
    for tag in link.plc.tags:
        yield tag, Reading(tag.spec.address, None, Quality.STALE, now, link.error)
