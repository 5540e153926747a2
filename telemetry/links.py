"""The connections of a shard: one driver to a PLC, read by one thread at a time, left alone while it is down.

Only one thread at a time may use a `Links` and touch its links; the threads of the pools touch its driver and
nothing else, and hand back an `Outcome`.
"""

import logging
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import inf

from django.conf import settings

from telemetry.backoff import back_off_s
from telemetry.drivers.base import Driver, LinkDown, Quality, Reading, is_other_program
from telemetry.load import least_period_s, stretched
from telemetry.reach import driver_at
from telemetry.rhythms import SLACK_S, PollClass, poll_classes
from telemetry.types_seen import TypesSeen
from telemetry.wiring import WiredPlc, WiredTag, Wiring

log = logging.getLogger(__name__)

LANE_THREADS = 8
"""Connecting has threads of its own, so that PLCs that are down delay none that is up. They only wait, and of a
hundred that are silent for two seconds so many try each once in the longest pause."""
SPREAD_S = 0.01
LONGEST_SPREAD_S = 0.4
"""Reads of a tick start one after another, so that a hundred do not wait for each other."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one poll: a reading of each of `tags`, or the sentence of a LinkDown.

    `late_s` is how much later than planned it began; None when it had to connect first. `program` is the mark
    of the program that was read, and `program_change` says so when it is another one than before: then every
    reading is bad, since the tags may mean something else now. `requests` and `size` in bytes are what it cost.
    """

    link: "Link"
    tags: Sequence[WiredTag]
    readings: Sequence[Reading] | None
    error: str
    late_s: float | None
    program: str = ""
    program_change: str = ""
    requests: int = 0
    size: int = 0
    is_cut: bool = False
    """Whether it broke off: what came before counts, and the connection is gone."""


@dataclass(slots=True, eq=False)
class Link:
    """A PLC, its driver and how it has done so far. Times are seconds of the links' clock."""

    plc: WiredPlc
    driver: Driver
    classes: list[PollClass]
    held_until: float = 0.0
    """Left alone until then: it does not answer, or its caps allow no more."""
    busy: bool = False
    closed: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    cuts: int = 0
    """Polls in a row that broke off half-way."""
    answered: float | None = None
    error: str = ""
    """What the last failed poll said."""
    status: str = ""
    """What has been announced of it, empty when nothing has, and with which error."""
    said: str = ""
    readings: Mapping[int, Reading] = field(default_factory=dict)
    """The last answer by tag id, empty when the last poll failed."""
    program: str = ""
    """The mark of the program whose change, if it is one, has been told."""
    types: TypesSeen = field(default_factory=TypesSeen)
    load: str = ""
    """How far its caps stretch its polls, empty when they do not."""
    noted: tuple[str, str, float | None] = ("", "", None)
    """Program, load and period as they stand in its row."""
    capped_s: float = 0.0
    """The seconds between two polls that its caps demanded last."""

    @property
    def shortest_s(self) -> float:
        """The period of its fastest tags, in seconds."""
        return min((each.period_s for each in self.classes), default=self.plc.period_s)

    @property
    def polls(self) -> int:
        """How many polls are planned in that time: classes of one phase are read together."""
        return len({each.phase_s % self.shortest_s for each in self.classes}) or 1

    @property
    def period_s(self) -> float:
        """How often it is read, in seconds: as its fastest tags say, or as its caps allow."""
        return max(self.shortest_s, self.capped_s * self.polls)

    @property
    def due(self) -> float:
        """When it is next to be read."""
        return max(self.held_until, min((each.due for each in self.classes), default=inf))

    def read(self, tags: Sequence[WiredTag], begin_at: float | None) -> Outcome:
        """Read these at that moment of `time.monotonic`; without one connect at once, and then read.

        Runs in a thread of a pool.
        """
        late_s = None
        if begin_at is not None:
            time.sleep(max(0.0, begin_at - time.monotonic()))
            late_s = time.monotonic() - begin_at
        readings: Sequence[Reading] | None = None
        error = ""
        before = replace(self.driver.load)
        try:
            # A line's next link may have been closed while the one before it was read.
            if not self.closed.is_set():
                self.driver.open()
                readings = self.driver.read([tag.spec for tag in tags])
        except LinkDown as down:
            error = str(down)
        except Exception as wrong:  # a driver's mistake must stay with its own PLC
            log.exception("a driver failed", extra={"plc": self.plc.code})
            error = f"{self.plc.name} could not be read: {type(wrong).__name__}."
        if self.closed.is_set() or readings is None:
            self.driver.close()
        spent = self.driver.load
        return Outcome(
            self,
            tags,
            readings,
            error,
            late_s,
            program=self.driver.program,
            requests=spent.requests - before.requests,
            size=spent.bytes - before.bytes,
            is_cut=readings is not None and not self.driver.connected,
        )

    def close(self) -> None:
        """Let go of the PLC; a read that is under way ends, and its outcome is nobody's."""
        self.closed.set()
        self.driver.close()


class Links:
    """The links of one shard in one process. `clock` counts seconds and never goes back."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.by_plc: dict[int, Link] = {}
        self.late_s: deque[float] = deque(maxlen=1000)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._flying = 0
        self._readers = ThreadPoolExecutor(settings.POLL_THREADS, f"{name}.read")
        self._lane = ThreadPoolExecutor(LANE_THREADS, f"{name}.connect")

    def rewire(self, wiring: Wiring) -> None:
        """Poll what this wiring says from now on, and let go of the PLCs that are not in it."""
        before, self.by_plc = self.by_plc, {}
        for key, plc in wiring.plcs.items():
            link = before.pop(key, None)
            if link is not None and link.plc != plc:
                link = self._edited(link, plc)
            self.by_plc[key] = link or self._link(plc)
        for link in before.values():
            link.close()

    def _link(self, plc: WiredPlc) -> Link:
        return Link(plc, driver_at(plc.endpoint), poll_classes(plc, self.clock()))

    def _edited(self, old: Link, plc: WiredPlc) -> Link:
        """Keep the connection of a PLC whose tags were edited, unless it is just being read."""
        same_peer = old.plc.endpoint == plc.endpoint
        new = self._link(plc)
        new.status, new.noted = old.status, old.noted
        if same_peer:
            new.failures, new.answered, new.error = old.failures, old.answered, old.error
            new.cuts, new.types = old.cuts, old.types
            new.said, new.held_until = old.said, old.held_until
            new.program, new.load, new.capped_s = old.program, old.load, old.capped_s
            new.readings = _carried(old, plc)
            rhythms = {(each.period_s, each.phase_s): each for each in old.classes}
            for each in new.classes:
                # What was read in this rhythm goes on in it; what is new is read at once, and so is what was
                # just being read, since nobody will hear of that.
                same = rhythms.get((each.period_s, each.phase_s))
                is_read = not old.busy and all(tag.id in new.readings for tag in each.tags)
                if same is not None and is_read:
                    each.due, each.is_in_phase = same.due, same.is_in_phase
        if same_peer and not old.busy:
            new.driver = old.driver
        else:
            old.close()
        return new

    def start_due(self) -> int:
        """Begin to read every PLC that is due and not being read; return how many.

        Those on one line are read one after another, by one thread.
        """
        now = self.clock()
        due = [
            link for link in self.by_plc.values() if not link.busy and link.due <= now + SLACK_S
        ]
        # Who has failed most waits longest for a thread of the lane.
        due.sort(key=lambda link: link.failures)
        begin = time.monotonic()
        spread = min(SPREAD_S, LONGEST_SPREAD_S / max(1, len(due)))
        for place, flight in enumerate(_flights(due)):
            work = [(link, _due_tags(link, now)) for link in flight]
            for link in flight:
                link.busy = True
            self._flying += len(flight)
            if flight[0].driver.connected:
                self._readers.submit(self._fly, work, begin + place * spread)
            else:
                self._lane.submit(self._fly, work, None)
        return len(due)

    def _fly(
        self, work: Sequence[tuple[Link, Sequence[WiredTag]]], begin_at: float | None
    ) -> None:
        for place, (link, tags) in enumerate(work):
            self._outcomes.put(link.read(tags, None if place else begin_at))

    def gather(self, until: float, *, window_s: float) -> list[Outcome]:
        """Wait for outcomes until a moment of `time.monotonic`; none are lost, the rest comes later.

        From the first one on, what else comes within the window is gathered with it. Outcomes of links that
        were closed meanwhile are dropped.
        """
        found: list[Outcome] = []
        while self._flying:
            wait_s = until - time.monotonic()
            try:
                outcome = (
                    self._outcomes.get(timeout=wait_s)
                    if wait_s > 0
                    else self._outcomes.get_nowait()
                )
            except queue.Empty:
                break
            self._flying -= 1
            if not found:
                until = min(until, time.monotonic() + window_s)
            found.append(outcome)
        return [settled for outcome in found if (settled := self._settle(outcome))]

    def lateness(self) -> dict[str, float]:
        """Return how much later than planned the newest reads began, in milliseconds; empty before any."""
        late = sorted(self.late_s)
        if not late:
            return {}
        return {
            "late_p50_ms": 1000 * late[len(late) // 2],
            "late_p99_ms": 1000 * late[len(late) * 99 // 100],
        }

    @property
    def flying(self) -> int:
        """How many polls are under way."""
        return self._flying

    def _settle(self, outcome: Outcome) -> Outcome | None:
        """Note on its link how a poll went, and return it; None for one of a link that is no more."""
        link = outcome.link
        link.busy = False
        if link.closed.is_set():
            return None
        now = self.clock()
        if outcome.readings is None:
            link.failures += 1
            link.error = outcome.error
            link.readings = {}
            link.held_until = now + back_off_s(link.failures, random.random())  # noqa: S311 - jitter
            for each in link.classes:
                each.due, each.is_in_phase = min(each.due, now), False
            return outcome
        if outcome.late_s is not None:
            self.late_s.append(outcome.late_s)
        link.failures, link.error, link.answered = 0, "", now
        link.capped_s = least_period_s(link.plc.caps, outcome.requests, outcome.size)
        between_s = link.shortest_s / link.polls
        link.load = stretched(link.plc.caps, outcome.requests, outcome.size, between_s)
        link.held_until = now + link.capped_s
        link.cuts = link.cuts + 1 if outcome.is_cut else 0
        if link.cuts > 1:
            # It answers half of what it is asked: connecting anew at each poll would keep others waiting.
            pause_s = back_off_s(link.cuts - 1, random.random())  # noqa: S311 - jitter
            link.held_until = max(link.held_until, now + pause_s)
        outcome = _of_one_program(outcome)
        # A mark without its counters must not take the place of one that has them.
        if not outcome.program_change and len(outcome.program) > len(link.program):
            link.program = outcome.program
        pairs = zip(outcome.tags, outcome.readings or (), strict=True)
        link.readings = {**link.readings, **{tag.id: reading for tag, reading in pairs}}
        return outcome

    def forget(self) -> None:
        """Close every connection: another worker has the shard."""
        for link in self.by_plc.values():
            link.close()
        self.by_plc = {}

    def close(self) -> None:
        """Close every connection and end the threads, without waiting for them."""
        self.forget()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._lane.shutdown(wait=False, cancel_futures=True)


def _carried(old: Link, plc: WiredPlc) -> dict[int, Reading]:
    """What was last read of the tags that are read as before; nothing when other readings count now."""
    if old.plc.quarantine != plc.quarantine:
        return {}
    before = {tag.id: tag.spec for tag in old.plc.tags}
    return {
        tag.id: old.readings[tag.id]
        for tag in plc.tags
        if tag.id in old.readings and before.get(tag.id) == tag.spec
    }


def _flights(due: Sequence[Link]) -> list[list[Link]]:
    """The links that one thread reads after another: those on one line, and else each alone."""
    flights: dict[object, list[Link]] = {}
    for link in due:
        line = link.plc.endpoint.line
        key = (line, link.driver.connected) if line else link
        flights.setdefault(key, []).append(link)
    return list(flights.values())


def _due_tags(link: Link, now: float) -> Sequence[WiredTag]:
    """The tags of the classes that are due, each of which is due again a period later."""
    tags: list[WiredTag] = []
    for each in link.classes:
        if each.due <= now + SLACK_S:
            each.advance(now)
            tags += each.tags
    return tags


def _of_one_program(outcome: Outcome) -> Outcome:
    """The outcome, with every reading bad when the program in the PLC is not the one known so far."""
    link, readings = outcome.link, outcome.readings or ()
    retyped = link.types.other({tag.id: tag.spec for tag in outcome.tags}, readings)
    # Where no mark tells of a change a type does, until what is in quarantine has been read anew.
    if is_other_program(outcome.program, link.program):
        change = f"The program in {link.plc.name} has changed"
    elif retyped and not link.plc.quarantine:
        change = f"{retyped} in {link.plc.name} has another type than before"
    else:
        return outcome
    change += "; its tags may mean something else now."
    link.readings = {}
    return replace(
        outcome,
        readings=[
            replace(each, value=None, quality=Quality.BAD, error=change) for each in readings
        ],
        program_change=change,
    )
