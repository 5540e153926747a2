"""The tail: a thread that reads what the streams gained, from a cursor of its own.

The database carries, a hint only wakes. A lost, doubled or reordered hint cannot lose, double or reorder
a fact, because the next position must be the cursor plus one or the tail says that continuity is lost.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from django.db import DatabaseError, InterfaceError, connection, connections

from ms5.events.log import Written
from ms5.events.losses import Loss
from ms5.events.models import Log, Stream

log = logging.getLogger(__name__)

BATCH = 500
_BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)

# In SQL: building these queries with the ORM took most of a look, and so of the way from commit to client.
_HEADS = """
SELECT epoch, events_stream.id, name, head, tail, gauge_head
FROM events_log LEFT JOIN events_stream ON 1 = 1
WHERE events_log.id = 1
"""
_FACTS = """
SELECT type, line_id, equipment_code, seq, text FROM events_event
WHERE stream_id = %s AND seq > %s ORDER BY seq LIMIT %s
"""
_GAUGES = """
SELECT type, line_id, equipment_code, ver, text, key FROM events_gauge
WHERE stream_id = %s AND ver > %s ORDER BY ver
"""


class ContinuityLost(RuntimeError):
    """Positions of before mean nothing any more: another epoch, a head that went back, a hole."""

    def __init__(self, loss: Loss, reason: str) -> None:
        super().__init__(reason)
        self.loss = loss


@dataclass(frozen=True, slots=True)
class Batch:
    """What a stream gained: facts in order, the newest gauges, and the position after them."""

    stream: str
    facts: tuple[Written, ...]
    gauges: tuple[Written, ...]
    position: int


class Listener(Protocol):
    """Who hears the tail; called in the tail's thread."""

    def wants(self, stream: str) -> bool:
        """Whether facts of the stream are worth reading. Asked after the heads were read, so that
        who begins to want a stream and then takes a snapshot of it misses nothing.
        """

    def gained(self, batch: Batch) -> None:
        """Take what the stream gained. The first batch of a stream that has become wanted may be empty:
        it says from which position on everything is told.
        """

    def lost(self, loss: Loss, reason: str) -> None:
        """Continuity is lost: whoever held positions must start from a snapshot."""


@dataclass(slots=True)
class _Cursor:
    position: int
    gauge: int


@dataclass(slots=True)
class Tail:
    """Follow all streams until `stop()`; `wake()` when there is reason to look at once."""

    listener: Listener
    poll_s: float = 0.1
    ok_at: float = 0.0
    """Monotonic time of the last look that succeeded."""
    error: str = ""
    epoch: str = ""
    looks: int = 0
    looked_s: float = 0.0
    """Seconds that all looks took together, what the listener did within them included."""
    batches: int = 0
    rows: int = 0
    errors: int = 0
    _cursors: dict[int, _Cursor] = field(default_factory=dict)
    _followed: set[int] = field(default_factory=set)
    _wake: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Set the cursors to the present heads, then follow. Raises what the database raises."""
        try:
            self._begin()
        finally:
            connections.close_all()
        self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended, at most a look later."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def wake(self) -> None:
        self._wake.set()

    @property
    def age_s(self) -> float:
        """Seconds since the last look that succeeded."""
        return time.monotonic() - self.ok_at

    def _begin(self) -> None:
        self.epoch = Log.objects.get_or_create(pk=1)[0].epoch
        self._cursors = {
            stream.pk: _Cursor(stream.head, stream.gauge_head)
            for stream in Stream.objects.all()
        }
        self._followed.clear()
        self.ok_at = time.monotonic()

    def _run(self) -> None:
        failures = 0
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self._look()
                self.looks += 1
                self.looked_s += time.monotonic() - began
                failures = 0
                self.error = ""
            except ContinuityLost as lost:
                log.error("the log lost continuity", extra={"reason": str(lost)})  # noqa: TRY400
                self._restart(lost.loss, str(lost))
            except (DatabaseError, InterfaceError) as failure:
                self.error = str(failure).strip() or type(failure).__name__
                self.errors += 1
                log.warning("the tail cannot read the log", extra={"error": self.error})
                connections.close_all()
                self._ended.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1
            except Exception:  # the tail must outlive any listener's mistake, which is logged
                self.errors += 1
                log.exception("the tail failed")
                self._restart(Loss.MISTAKE, "the tail failed")
                self._ended.wait(1.0)
            self._wake.wait(self.poll_s)
            self._wake.clear()
        connections.close_all()

    def _restart(self, loss: Loss, reason: str) -> None:
        try:
            self._begin()
        except (DatabaseError, InterfaceError) as failure:
            self.error = str(failure)
            connections.close_all()
        self.listener.lost(loss, reason)

    def _look(self) -> None:
        epoch, streams = _heads()
        if epoch != self.epoch:
            raise ContinuityLost(Loss.EPOCH, f"the epoch is {epoch}, it was {self.epoch}")
        for stream in streams:
            # A stream unknown until now was born after the start: all of it is new.
            cursor = self._cursors.setdefault(stream.pk, _Cursor(stream.tail - 1, 0))
            if stream.head < cursor.position:
                raise ContinuityLost(Loss.GAP, f"{stream.name} went back to {stream.head}")
            if not self.listener.wants(stream.name):
                self._followed.discard(stream.pk)
                cursor.position, cursor.gauge = stream.head, stream.gauge_head
                continue
            if stream.pk not in self._followed:
                self._followed.add(stream.pk)
                self.listener.gained(Batch(stream.name, (), (), cursor.position))
            while cursor.position < stream.head or cursor.gauge < stream.gauge_head:
                self._read(stream, cursor)
        self.ok_at = time.monotonic()

    def _read(self, stream: "_Heads", cursor: _Cursor) -> None:
        facts: tuple[Written, ...] = ()
        gauges: tuple[Written, ...] = ()
        if cursor.position < stream.head:
            facts = _written(_FACTS, stream.pk, cursor.position, BATCH)
        for expected, fact in enumerate(facts, cursor.position + 1):
            if fact.position != expected:
                raise ContinuityLost(
                    Loss.GAP, f"{stream.name} has {fact.position} where {expected} must be"
                )
        if not facts and cursor.position < stream.head:
            raise ContinuityLost(Loss.GAP, f"{stream.name} lacks {cursor.position + 1}")
        if cursor.gauge < stream.gauge_head:
            gauges = _written(_GAUGES, stream.pk, cursor.gauge)
        cursor.position += len(facts)
        cursor.gauge = max([stream.gauge_head, *(gauge.position for gauge in gauges)])
        self.batches += 1
        self.rows += len(facts) + len(gauges)
        self.listener.gained(Batch(stream.name, facts, gauges, cursor.position))


class _Heads(NamedTuple):
    """A stream as a look finds it."""

    pk: int
    name: str
    head: int
    tail: int
    gauge_head: int


def _heads() -> tuple[str, list[_Heads]]:
    """Return the epoch, which is empty where there is no log, and every stream."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS)
        rows = cursor.fetchall()
    epoch = str(rows[0][0]) if rows else ""
    return epoch, [_Heads(*row[1:]) for row in rows if row[1] is not None]


def _written(sql: str, *values: int) -> tuple[Written, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return tuple(Written(*row) for row in cursor.fetchall())
