"""Many writers, slow commits, rollbacks and a reader: no gap, no loss, no reorder."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
import uuid_utils.compat as uuid
from django.db import connection, connections, transaction

from ms5.events import log
from ms5.events.heads import Heads
from ms5.events.log import append, recording
from ms5.events.losses import Loss
from ms5.events.models import Event, Stream
from ms5.events.tail import Batch, Tail
from tests.floor import T0, state_fact
from tests.other_process import finish, start

pytestmark = pytest.mark.django_db(transaction=True)

# Few of them are locked one by one, many at once; and a language would sort them in another order.
LINES = ("L1", "L2", "a3", "B4", "l5", "Z6")


@dataclass
class Reader:
    """Listens to the tail and keeps what it heard."""

    facts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    losses: list[Loss] = field(default_factory=list)
    lost_reasons: list[str] = field(default_factory=list)

    def wants(self, stream: str) -> bool:
        return True

    def gained(self, batch: Batch) -> None:
        self.facts[batch.stream].extend(fact.position for fact in batch.facts)

    def lost(self, loss: Loss, reason: str) -> None:
        self.losses.append(loss)
        self.lost_reasons.append(reason)


@contextmanager
def tailing(poll_s: float = 0.005):
    """A real tail, from the present heads, until the block ends and everything is read."""
    reader = Reader()
    tail = Tail(reader, poll_s=poll_s)
    tail.start()
    try:
        yield reader
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not reader.lost_reasons:
            heads = {
                stream.name: stream.head for stream in Stream.objects.filter(name__in=LINES)
            }
            if all(len(reader.facts[name]) >= head for name, head in heads.items()):
                break
            time.sleep(0.01)
    finally:
        tail.stop()


def write(seed: int, actions: int) -> None:
    """Run actions that speak on one line or more in any order; a fifth of them fails at the end."""
    chance = random.Random(seed)
    for _ in range(actions):
        with suppress(InterruptedError), recording():
            for line in chance.sample(LINES, k=chance.randint(1, len(LINES))):
                append("equipment_state", state_fact(), occurred_at=T0, line_id=line)
            if chance.random() < 0.2:
                raise InterruptedError


def in_threads(work: Callable[[int], None], count: int) -> None:
    failures = []

    def run(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - asserted on below, in the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def lost_by(reader: Reader) -> int:
    """Return how many committed facts the reader missed; doubled or reordered ones fail at once."""
    missing = 0
    for name in LINES:
        committed = list(
            Event.objects.filter(stream__name=name)
            .order_by("seq")
            .values_list("seq", flat=True)
        )
        heard = reader.facts[name]
        assert heard == sorted(set(heard)), "doubled or out of order"
        missing += len(set(committed) - set(heard))
    return missing


def assert_dense() -> int:
    total = 0
    for stream in Stream.objects.filter(name__in=LINES):
        seqs = stream.events.order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, stream.head + 1))
        total += stream.head
    return total


@contextmanager
def slow_commits():
    """Make one commit in ten take 30 ms between its inserts and its end (PostgreSQL only)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF random() < 0.1 THEN PERFORM pg_sleep(0.03); END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON events_event
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
            """
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION slow_commit() CASCADE")


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"
)
def test_eight_writers_with_rollbacks_and_slow_commits_lose_nothing():
    with slow_commits(), tailing() as reader:
        in_threads(lambda number: write(number, actions=40), count=8)
    assert reader.lost_reasons == []
    assert lost_by(reader) == 0
    assert assert_dense() > 300


@contextmanager
def numbered_by_a_sequence():
    """The broken variant: positions from a sequence, taken when the row is inserted."""

    def advance(more: Mapping[str, tuple[int, int]]) -> dict[str, Heads]:
        return {name: one(name, facts) for name, (facts, _) in sorted(more.items())}

    def one(name: str, facts: int) -> Heads:
        stream, _ = Stream.objects.get_or_create(name=name)
        with connection.cursor() as cursor:
            for _ in range(facts):
                cursor.execute("SELECT nextval('naive_positions')")
            head = cursor.fetchone()[0]
        return Heads(stream.pk, head, 0)

    whole = log.advance
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE naive_positions")
    log.advance = advance
    try:
        yield
    finally:
        log.advance = whole
        with connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE naive_positions")


class SequenceReader(Reader):
    """Reads `seq > cursor`, as usually written, until it is stopped."""

    def read_until(self, ended: threading.Event) -> None:
        cursor = 0
        while True:
            last_look = ended.is_set()
            rows = Event.objects.filter(seq__gt=cursor).order_by("seq")
            for name, seq in rows.values_list("stream__name", "seq"):
                self.facts[name].append(seq)
                cursor = seq
            if last_look:
                return
            time.sleep(0.002)


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"
)
def test_a_log_numbered_by_a_sequence_fails_the_same_test():
    reader, ended = SequenceReader(), threading.Event()

    def read(_: int) -> None:
        reader.read_until(ended)

    with slow_commits(), numbered_by_a_sequence():
        reading = threading.Thread(target=lambda: in_threads(read, count=1))
        reading.start()
        in_threads(lambda number: write(number, actions=40), count=8)
        ended.set()
        reading.join()
    assert lost_by(reader) > 0


WRITER = """
from tests.db.test_log_races import write
write({seed}, actions=60)
"""


def test_two_other_processes_write_and_this_one_misses_nothing():
    with tailing() as reader:
        writers = [start(WRITER.format(seed=seed)) for seed in (1, 2)]
        results = [finish(writer) for writer in writers]
    assert [code for code, _, _ in results] == [0, 0], results
    assert reader.lost_reasons == []
    assert lost_by(reader) == 0
    assert assert_dense() > 120


CRASHER = """
import os
from ms5.events.log import append, on_append, recording
from tests.floor import T0, state_fact
on_append(lambda appended: os._exit(9))
with recording():
    append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
"""


def test_a_crash_between_the_commit_and_its_hint_loses_nothing():
    with tailing(poll_s=0.1) as reader:
        code, _, _ = finish(start(CRASHER))
    assert code == 9
    assert reader.facts["L1"] == [1]


BEFORE_THE_COMMIT = """
import os
from ms5.events.log import append, recording
from tests.floor import T0, state_fact
with recording():
    append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    os._exit(9)
"""


def test_a_crash_before_the_commit_leaves_nothing_and_uses_no_position():
    code, _, _ = finish(start(BEFORE_THE_COMMIT))
    assert code == 9
    with tailing() as reader, recording():
        append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    assert reader.facts["L1"] == [1]


def test_a_hole_in_a_stream_is_noticed_and_said():
    with tailing() as reader:
        with recording():
            for _ in range(3):
                append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
        time.sleep(0.1)
        with transaction.atomic():
            stream = Stream.objects.get(name="L1")
            Stream.objects.filter(pk=stream.pk).update(head=5)
            Event.objects.create(
                stream=stream,
                seq=5,
                event_id=uuid.uuid7(),
                type="equipment_state",
                occurred_at=T0,
                text=json.dumps({}),
            )
    assert reader.lost_reasons == ["L1 has 5 where 4 must be"]
    assert reader.losses == [Loss.GAP]


def test_a_log_that_went_back_is_noticed_and_said():
    with recording():
        append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    with tailing() as reader:
        Event.objects.all().delete()
        Stream.objects.update(head=0)
        time.sleep(0.1)
    assert reader.lost_reasons == ["L1 went back to 0"]
    assert reader.losses == [Loss.GAP]


def test_a_new_epoch_is_noticed_and_said():
    before = log.epoch()
    with tailing() as reader:
        after = log.renew("a backup was restored")
        time.sleep(0.1)
    assert reader.lost_reasons == [f"the epoch is {after}, it was {before}"]
    assert reader.losses == [Loss.EPOCH]


def test_a_listener_that_fails_is_told_so_and_the_log_has_no_gap():
    class Failing(Reader):
        def gained(self, batch: Batch) -> None:
            super().gained(batch)
            if batch.facts and not self.losses:
                raise ZeroDivisionError

    reader = Failing()
    tail = Tail(reader, poll_s=0.005)
    tail.start()
    try:
        for seq in (1, 2):
            with recording():
                append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
            deadline = time.monotonic() + 10
            while reader.facts["L1"][-1:] != [seq] or not reader.losses:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    finally:
        tail.stop()
    assert reader.losses == [Loss.MISTAKE]
    assert tail.errors == 1


def test_streams_nobody_wants_are_skipped_and_followed_from_when_somebody_does():
    wanted: set[str] = set()

    class Choosy(Reader):
        def wants(self, stream: str) -> bool:
            return stream in wanted

    reader = Choosy()
    tail = Tail(reader, poll_s=0.005)
    tail.start()
    try:
        with recording():
            append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
        time.sleep(0.1)
        wanted.add("L1")
        with recording():
            append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
        time.sleep(0.1)
    finally:
        tail.stop()
    assert dict(reader.facts) == {"L1": [2]}
