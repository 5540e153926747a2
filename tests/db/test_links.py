"""Connections of a shard: one to a PLC, kept while nothing about it changes, let go at once."""

import threading
import time

import pytest

from telemetry.links import LANE_THREADS, Links
from telemetry.models import Plc
from telemetry.wiring import load
from tests.controllers import Clock, logix, plc, tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with logix() as running:
        yield running


@pytest.fixture
def links():
    made = Links("poll.test", clock=Clock())
    yield made
    made.close()


def wire(links):
    links.rewire(load(0))


def read(links, seconds=2.0):
    """Read what is due and wait for all of it."""
    links.start_due()
    found = []
    until = time.monotonic() + seconds
    while links.flying and time.monotonic() < until:
        found += links.gather(until, window_s=0.01)
    return found


def speed_of(server, **fields):
    row = plc(server, **fields)
    tag(row, "Speed", data_type="float32")
    return row


def test_the_first_read_connects_and_the_next_ones_do_not(links, server):
    speed_of(server)
    wire(links)
    for _ in range(3):
        (outcome,) = read(links)
        assert [reading.value for reading in outcome.readings] == [80.0]
        links.clock.now += 1
    assert (server.stats.connections, server.stats.forward_opens) == (1, 1)


def test_how_late_a_read_began_is_noted_but_not_of_one_that_had_to_connect(links, server):
    speed_of(server)
    wire(links)
    (first,) = read(links)
    links.clock.now += 1
    (second,) = read(links)
    assert first.late_s is None
    assert list(links.late_s) == [second.late_s]
    assert 0 <= second.late_s < 0.5


def test_what_is_not_due_is_not_read(links, server):
    speed_of(server)
    wire(links)
    assert [links.start_due(), links.start_due()] == [1, 0]
    links.gather(time.monotonic() + 1, window_s=0.01)
    links.clock.now += 0.5
    assert links.start_due() == 0
    links.clock.now += 0.3
    assert links.start_due() == 1


def test_ticks_that_tremble_keep_the_period(links, server):
    speed_of(server)
    wire(links)
    begun = 0
    for seconds in (1.1, 0.9, 0.8, 1.2, 1.0, 0.95, 1.05) * 10:
        begun += len(read(links))
        links.clock.now += seconds
    assert begun == 70


def test_a_read_under_way_is_not_begun_again(links, server):
    speed_of(server, timeout_s=5)
    wire(links)
    read(links)
    server.faults.delay_s = 0.4
    links.clock.now += 1
    assert links.start_due() == 1
    links.clock.now += 1
    assert links.start_due() == 0
    (late,) = links.gather(time.monotonic() + 2, window_s=0.01)
    assert late.readings is not None


def test_a_link_that_is_closed_while_it_is_read_ends_at_once_and_its_outcome_is_nobodys(
    links, server
):
    row = speed_of(server, timeout_s=20)
    wire(links)
    read(links)
    server.faults.delay_s = 3
    links.clock.now += 1
    links.start_due()
    time.sleep(0.1)
    row.delete()
    wire(links)
    assert links.by_plc == {}
    begun = time.monotonic()
    assert links.gather(begun + 2, window_s=0.01) == []
    assert time.monotonic() - begun < 1.5
    assert links.flying == 0


def test_other_tags_keep_the_connection_and_another_address_does_not(links, server):
    row = speed_of(server)
    wire(links)
    read(links)
    tag(row, "Good", data_type="int32")
    wire(links)
    links.clock.now += 1
    (outcome,) = read(links)
    assert [reading.value for reading in outcome.readings] == [80.0, 1000]
    assert server.stats.connections == 1
    Plc.objects.update(timeout_s=0.7)
    wire(links)
    read(links)
    assert server.stats.connections == 2


def test_an_unchanged_wiring_changes_no_link(links, server):
    speed_of(server)
    wire(links)
    before = dict(links.by_plc)
    wire(links)
    assert links.by_plc == before


def test_a_dead_plc_has_its_turn_after_the_living_and_few_threads_to_connect_in(links, server):
    for _ in range(LANE_THREADS + 2):
        tag(plc(port=1), "Speed", data_type="float32")
    speed_of(server)
    wire(links)
    read(links)
    links.clock.now += 60
    read(links)
    names = [thread.name for thread in threading.enumerate()]
    lane = sum(name.startswith("poll.test.connect") for name in names)
    assert 2 <= lane <= LANE_THREADS
    failures = [link.failures for link in links.by_plc.values()]
    assert failures == [*[2] * (LANE_THREADS + 2), 0]


def test_a_driver_that_makes_a_mistake_stays_with_its_own_plc(links, server, caplog):
    # A host name with an empty label is refused by Python's own encoder, not by the network.
    broken = plc(port=44818, host="a..b")
    tag(broken, "Speed", data_type="float32")
    speed_of(server)
    wire(links)
    outcomes = {outcome.link.plc.id: outcome for outcome in read(links)}
    assert outcomes[broken.pk].error
    assert sum(outcome.readings is not None for outcome in outcomes.values()) == 1


def test_closing_leaves_no_connection(links, server):
    speed_of(server)
    wire(links)
    read(links)
    (link,) = links.by_plc.values()
    assert link.driver.connected
    links.close()
    assert not link.driver.connected
    assert links.by_plc == {}
