"""A worker that is stopped in the middle of a poll, and wakes when another one has its shard."""

import os
import signal
import time
from contextlib import contextmanager

import pytest

from production.models import Condition, Count, Counter
from telemetry import status
from telemetry.choices import LinkStatus
from telemetry.models import PlcLink, Sample
from telemetry.poll import ELSEWHERE
from tests import other_process
from tests.controllers import modbus, plc, polling, tag, ticks
from tests.db.poll.said import states, statuses

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import time
from telemetry.poll import Poll

poll = Poll(0, holder="one:1")
while True:
    print(poll.tick(), flush=True)
    time.sleep(0.1)
"""


def until_said(process, wanted):
    for line in process.stdout:
        if line.strip() == str(wanted):
            return
    raise AssertionError(process.stderr.read())


def asked(server):
    """How often a controller was asked for values, of either protocol."""
    stats = server.stats
    return sum((getattr(stats, "services", None) or stats.functions).values())


@contextmanager
def stopped_in_a_read(server):
    """A worker of the shard that was stopped while it waited for an answer; it goes on after the block."""
    process = other_process.start(WORKER)
    try:
        until_said(process, 1)
        server.faults.delay_s = 0.3
        before = asked(server)
        while asked(server) == before:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.4)
        server.faults.delay_s = 0
        yield
        os.kill(process.pid, signal.SIGCONT)
        until_said(process, ELSEWHERE)
    finally:
        process.kill()
        other_process.finish(process)


def take_over(poll):
    """Tick until the shard is this worker's: the lease lasts five seconds, and a busy machine is slow."""
    began = time.monotonic()
    while poll.tick() == ELSEWHERE:
        assert time.monotonic() - began < 30, "nobody took the shard over"
        time.sleep(0.05)


def test_what_it_read_before_takes_no_link_and_no_state_from_the_living(wired, server):
    with polling(holder="two:2", clock=time.monotonic) as two:
        with stopped_in_a_read(server):
            take_over(two)
            before = states()
        for _ in range(2):
            time.sleep(1)
            assert two.tick() == 1
    assert statuses() == [("L-1", "connected")]
    assert (states(), PlcLink.objects.get().status) == (before, "connected")
    assert not Sample.objects.filter(quality="stale").exists()


def test_an_answer_that_lay_there_meanwhile_is_no_piece(bagger):
    with modbus([("Good", "holding", 0, "uint32")], {"Good": 1000}) as device:
        row = plc(device)
        tag(row, "Good", address="holding:0", data_type="int32", of=bagger, role="good_count")
        with polling(holder="two:2", clock=time.monotonic) as two:
            with stopped_in_a_read(device):
                take_over(two)
                for good in (1010, 1020):
                    device.set("Good", good)
                    time.sleep(1)
                    two.tick()
                counted = Counter.objects.get().value - 1000
            time.sleep(1)
            two.tick()
    assert counted > 0
    assert sum(Count.objects.values_list("quantity", flat=True)) == 20


class TestWhatAnotherAnnounced:
    """However it came to that: two workers read a controller for a moment when it changes its shard."""

    def test_a_link_that_another_called_lost_is_connected_at_the_next_answer(self, poll, wired):
        ticks(poll, 1)
        (link,) = poll.links.by_plc.values()
        status.lost(
            link.plc, link.readings[link.plc.tags[0].id].source_at, failures=3, error=""
        )
        assert PlcLink.objects.get().status == LinkStatus.LOST
        ticks(poll, 2)
        assert PlcLink.objects.get().status == LinkStatus.CONNECTED
        assert (statuses()[-1], Condition.objects.get().state) == (
            ("L-1", "connected"),
            "running",
        )

    def test_a_link_that_another_called_connected_is_lost_at_the_next_failure(
        self, poll, wired, server
    ):
        ticks(poll, 1)
        server.stop()
        ticks(poll, 4)
        (link,) = poll.links.by_plc.values()
        status.connected(link.plc, PlcLink.objects.get().last_try_at)
        ticks(poll, 40)
        assert PlcLink.objects.get().status == LinkStatus.LOST
        assert statuses()[-1] == ("L-1", "lost")
