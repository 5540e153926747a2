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
from dataclasses import dataclass, field

from django.conf import settings

from telemetry.backoff import back_off_s
from telemetry.drivers import driver_for
from telemetry.drivers.base import Driver, LinkDown, Reading
from telemetry.wiring import WiredPlc, Wiring

log = logging.getLogger(__name__)

LANE_THREADS = 2
"""Connecting has threads of its own, so that PLCs that are down delay none that is up."""
SLACK_S = 0.25
"""Beat is never exact: what is due this soon is read now."""
SPREAD_S = 0.01
LONGEST_SPREAD_S = 0.4
"""Reads of a tick start one after another, so that a hundred do not wait for each other."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one poll: readings in the order of the PLC's tags, or the sentence of a LinkDown.

    `late_s` is how much later than planned it began; None when it had to connect first.
    """

    link: "Link"
    readings: Sequence[Reading] | None
    error: str
    late_s: float | None


@dataclass(slots=True, eq=False)
class Link:
    """A PLC, its driver and how it has done so far. Times are seconds of the links' clock."""

    plc: WiredPlc
    driver: Driver
    due: float
    busy: bool = False
    closed: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    answered: float | None = None
    error: str = ""
    """What the last failed poll said."""
    status: str = ""
    """What has been announced of it, empty when nothing has, and with which error."""
    said: str = ""
    readings: Mapping[int, Reading] = field(default_factory=dict)
    """The last answer by tag id, empty when the last poll failed."""

    def read(self, begin_at: float | None) -> Outcome:
        """Read at that moment of `time.monotonic`; without one connect at once, and then read.

        Runs in a thread of a pool.
        """
        late_s = None
        if begin_at is not None:
            time.sleep(max(0.0, begin_at - time.monotonic()))
            late_s = time.monotonic() - begin_at
        readings: Sequence[Reading] | None = None
        error = ""
        try:
            self.driver.open()
            readings = self.driver.read([tag.spec for tag in self.plc.tags])
        except LinkDown as down:
            error = str(down)
        except Exception as wrong:  # a driver's mistake must stay with its own PLC
            log.exception("a driver failed", extra={"plc": self.plc.code})
            error = f"{self.plc.name} could not be read: {type(wrong).__name__}."
        if self.closed.is_set() or readings is None:
            self.driver.close()
        return Outcome(self, readings, error, late_s)

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

    def rewire(self, wiring: Wiring) -> list[WiredPlc]:
        """Poll what this wiring says from now on; return the PLCs that are polled no more, as they were."""
        before, self.by_plc = self.by_plc, {}
        for key, plc in wiring.plcs.items():
            link = before.pop(key, None)
            if link is not None and link.plc != plc:
                link = self._edited(link, plc)
            self.by_plc[key] = link or Link(plc, driver_for(plc.endpoint), self.clock())
        for link in before.values():
            link.close()
        return [link.plc for link in before.values()]

    def _edited(self, old: Link, plc: WiredPlc) -> Link:
        """Keep the connection of a PLC whose tags were edited, unless it is just being read."""
        same_peer = old.plc.endpoint == plc.endpoint
        new = Link(plc, driver_for(plc.endpoint), self.clock(), status=old.status)
        if same_peer:
            new.failures, new.answered, new.error = old.failures, old.answered, old.error
            new.said, new.due = old.said, old.due
        if same_peer and not old.busy:
            new.driver = old.driver
        else:
            old.close()
        return new

    def start_due(self) -> int:
        """Begin to read every PLC that is due and not being read; return how many."""
        now = self.clock()
        due = [
            link
            for link in self.by_plc.values()
            if link.plc.tags and not link.busy and link.due <= now + SLACK_S
        ]
        # Who has failed most waits longest for a thread of the lane.
        due.sort(key=lambda link: link.failures)
        begin = time.monotonic()
        spread = min(SPREAD_S, LONGEST_SPREAD_S / max(1, len(due)))
        for place, link in enumerate(due):
            link.busy = True
            link.due = max(link.due + link.plc.period_s, now + link.plc.period_s - SLACK_S)
            self._flying += 1
            if link.driver.connected:
                self._readers.submit(self._fly, link, begin + place * spread)
            else:
                self._lane.submit(self._fly, link, None)
        return len(due)

    def _fly(self, link: Link, begin_at: float | None) -> None:
        self._outcomes.put(link.read(begin_at))

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
        return [outcome for outcome in found if self._settle(outcome)]

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

    def _settle(self, outcome: Outcome) -> bool:
        """Note on its link how a poll went; False for one of a link that is no more."""
        link = outcome.link
        link.busy = False
        if link.closed.is_set():
            return False
        now = self.clock()
        if outcome.readings is None:
            link.failures += 1
            link.error = outcome.error
            link.readings = {}
            link.due = now + back_off_s(link.failures, random.random())  # noqa: S311 - jitter
        else:
            if outcome.late_s is not None:
                self.late_s.append(outcome.late_s)
            link.failures, link.error, link.answered = 0, "", now
            link.readings = {
                tag.id: reading
                for tag, reading in zip(link.plc.tags, outcome.readings, strict=True)
            }
        return True

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
