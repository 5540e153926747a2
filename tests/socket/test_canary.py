"""A canary goes the way of a fact, and health turns when that way is broken, wherever it is."""

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from ms5.events.log import SYS, recording, renew
from ms5.events.models import Event, Stream
from ms5.processes.canary import newest, sing
from ms5.processes.models import Heartbeat, Lease, Run
from ms5.processes.tasks import canary as canary_task
from realtime import health
from realtime.canary import GROUP, Pace
from realtime.targets import BadTarget, SubscriptionType, parse
from tests.socket.conftest import serving
from tests.socket.test_delivery import say
from tests.socket.test_layer import redis  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "snapshot"]),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

NOW = timedelta(0)
FAST = Pace(look_s=0.1, deaf_after_s=0.6, silent_s=3600, write_after_s=3600)


def wait_until(true, within_s=8.0):
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wrong():
    """Return what is wrong by part, of the parts that this process answers for."""
    found = health.report(timezone.now())
    return {
        part.name: (part.status, part.wrong)
        for part in found.parts
        if part.wrong and part.name in {"database", "tail", "canary"}
    }


@pytest.fixture
def watched(db, floor):
    """A server with a client, so that it has a hub, whose canary looks ten times a second."""
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "all")
        server.hub.canary.pace = FAST
        _look(server)
        yield server, client


def _look(server):
    """Look now: the keeper would sleep for as long as it was told before."""
    loop = server.hub._loop
    asyncio.run_coroutine_threadsafe(_start_keeper(server.hub.canary), loop).result(5)


async def _start_keeper(canary):
    canary._keeper.cancel()
    canary._keeper = asyncio.create_task(canary._keep())
    await canary.look()


def test_a_canary_that_anybody_wrote_arrives_at_the_end_of_the_way(watched):
    server, client = watched
    client.pong()
    for number in range(1, 4):
        assert sing(NOW) == 1
        wait_until(lambda number=number: server.hub.canary.heard_seq == number)
    assert server.hub.canary.age_s < 5
    assert wrong() == {}
    # And no client hears it, though this one hears all there is to be heard.
    say(1)
    client.expect("equipment_state", seq=1)
    assert [frame for frame in client.seen if "canary" in json.dumps(frame)] == []
    assert "sys" not in json.dumps(client.seen)


def test_the_process_carries_no_more_for_it_as_far_as_figures_tell(watched):
    server, _ = watched
    totals = server.hub.totals()
    assert (totals.connections, totals.groups, totals.cohorts) == (1, 1, 1)
    assert GROUP in server.hub._groups
    assert server.hub._wanted_groups() == {"line.all"}


def test_one_is_written_however_many_write_at_once(db):
    def one(_):
        try:
            return sing()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(8))) == 1
    assert Event.objects.filter(type="canary").count() == 1
    assert sing() == 0
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert sing() == 1
    assert newest().seq == 2


def test_a_canary_that_could_not_be_committed_costs_no_turn(db):
    def fail():
        with recording():
            assert sing() == 1
            raise OperationalError("the disk is full")

    with pytest.raises(OperationalError, match="full"):
        fail()
    assert Event.objects.count() == 0
    assert sing() == 1


def test_beat_writes_one_and_leaves_its_heartbeat(db):
    assert canary_task() == 1
    assert canary_task() == 0
    assert Event.objects.get().stream.name == SYS
    assert Heartbeat.objects.get().name == "canary"
    json_of_it = json.loads(Event.objects.get().text)
    assert (json_of_it["type"], json_of_it["stream"]) == ("canary", SYS)


def test_without_beat_a_web_process_writes_it(watched):
    server, _ = watched
    server.hub.canary.pace = Pace(look_s=0.1, write_after_s=0.3)
    wait_until(lambda: server.hub.canary.heard_seq >= 1)
    assert Event.objects.filter(type="canary").count() == 1
    assert wrong() == {}


def test_a_log_that_takes_none_degrades_and_takes_nothing_away(watched):
    server, _ = watched
    server.hub.canary.pace = Pace(look_s=0.1, silent_s=0.4, write_after_s=3600)
    wait_until(lambda: "canary" in wrong())
    status, why = wrong()["canary"]
    assert (status, list(why)) == ("degraded", ["log"])
    sing(NOW)
    wait_until(lambda: wrong() == {}, within_s=2)


def test_a_tail_that_ended_turns_the_canary_red_and_its_return_turns_it_back(watched):
    server, _ = watched
    sing(NOW)
    wait_until(lambda: server.hub.canary.heard_seq == 1)
    tail = server.hub.tail
    tail.stop()
    assert wrong() == {}
    sing(NOW)
    wait_until(lambda: "canary" in wrong())
    status, why = wrong()["canary"]
    assert (status, list(why)) == ("down", ["delivery"])
    assert why["delivery"].startswith("a fact that the log has held for ")
    health.latest.forget()
    assert Client().get("/ws/health").status_code == 503
    # The tail itself is told of a little later, by its own age.
    wait_until(lambda: set(wrong()) == {"canary", "tail"})
    tail._ended.clear()
    tail.start()
    sing(NOW)
    wait_until(lambda: wrong() == {})
    health.latest.forget()
    assert Client().get("/ws/health").status_code == 200


def test_a_writer_that_ended_turns_the_canary_red_and_nothing_else(watched):
    server, client = watched
    canary = server.hub.canary
    canary.pace = Pace(look_s=3600, deaf_after_s=0.3, silent_s=3600, write_after_s=3600)
    _look(server)
    server.hub._loop.call_soon_threadsafe(canary._writer.cancel)
    wait_until(canary._writer.done)
    sing(NOW)
    wait_until(lambda: server.hub.positions.get(SYS) == 1)
    _look(server)  # it finds the writer ended, and the canary in the log
    wait_until(lambda: set(wrong()) == {"canary"})
    assert wrong()["canary"][0] == "down"
    assert canary.heard_seq == 0
    # Clients have writers of their own.
    say(1)
    client.expect("equipment_state", seq=1)
    # The next look had it listen again, as a client that connects anew.
    sing(NOW)
    wait_until(lambda: wrong() == {})


def test_an_event_loop_that_is_blocked_turns_the_canary_red(watched):
    server, _ = watched
    go_on = threading.Event()
    sing(NOW)
    wait_until(lambda: server.hub.canary.heard_seq == 1)
    server.hub._loop.call_soon_threadsafe(go_on.wait, 20)
    try:
        wait_until(lambda: "canary" in wrong())
        status, why = wrong()["canary"]
        assert status == "down"
        assert why["delivery"].startswith("nobody has looked for ")
    finally:
        go_on.set()
    wait_until(lambda: wrong() == {})
    # It slept for a quarter of a second when the loop was blocked for 0.7.
    assert server.hub.lag.worst_s > 0.4


def test_the_end_of_redis_turns_nothing_here(redis, floor):  # noqa: F811 - the fixture
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        server.hub.canary.pace = FAST
        _look(server)
        redis.kill()
        for number in range(1, 6):
            sing(NOW)
            wait_until(lambda number=number: server.hub.canary.heard_seq == number)
        time.sleep(2 * FAST.deaf_after_s)
        assert wrong() == {}
        assert health._layer().status == "degraded"


def test_a_new_life_of_the_log_is_no_reason_for_red(watched):
    server, _ = watched
    sing(NOW)
    wait_until(lambda: server.hub.canary.heard_seq == 1)
    Event.objects.all().delete()
    Stream.objects.all().delete()
    renew("a test")
    sing(NOW)
    seen = set()
    until = time.monotonic() + 3 * FAST.deaf_after_s
    while time.monotonic() < until:
        seen |= set(wrong())
        time.sleep(0.02)
    assert seen == set()
    sing(NOW)
    wait_until(lambda: server.hub.canary.heard_seq == 2)


def test_a_web_process_tells_its_figures_for_the_others(watched):
    server, client = watched
    told = server.hub.teller.tell
    for sent in (1, 2):
        say(sent)
        client.expect("equipment_state", seq=sent)
        asyncio.run_coroutine_threadsafe(told(), server.hub._loop).result(5)
        run = Run.objects.get(name="web")
        assert run.figures["connections"] == 1
        assert run.figures["facts"]["equipment_state"] >= sent


@given(st.sampled_from(SubscriptionType), st.text(max_size=80))
def test_no_target_of_a_client_has_the_canarys_group(type_, target_id):
    for asked in (target_id, GROUP, f"{SYS}.{target_id}", SYS):
        try:
            target = parse(type_, asked)
        except BadTarget:
            continue
        assert not target.group(17).startswith(f"{SYS}.")
