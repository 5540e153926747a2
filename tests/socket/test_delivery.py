"""Every matching fact arrives once and in order, and a snapshot is a barrier among them."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections

from ms5.events.log import append, gauge, recording, renew
from production.actions import lose, observe
from tests.factories import T0, at, equipment, fault, observation
from tests.floor import state_fact, update_gauge
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

STATES = ("running", "stopped", "starved", "blocked")


def say(number, line="L-OWN", code="M.OWN", state="running", times=1):
    """Append facts, all in one action."""
    with recording():
        for _ in range(times):
            append(
                "equipment_state",
                state_fact(code, state),
                occurred_at=at(number),
                line_id=line,
                equipment_code=code,
            )


def tell(good, line="L-OWN", key=None, seconds=None):
    with recording():
        gauge(
            "production_update",
            update_gauge(good),
            key=key or f"production:{line}",
            source_at=at(good if seconds is None else seconds),
            line_id=line,
        )


def in_thread(work):
    """Run `work` beside the test; its connections are closed when it ends."""

    def run():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_facts_arrive_in_order_each_once_whatever_their_number(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        for number in range(300):
            say(number)
        while len(client.facts()) < 300:
            client.expect("equipment_state")
        assert client.pong() == []
        assert [fact["seq"] for fact in client.facts()] == list(range(1, 301))


def test_a_rolled_back_action_is_never_heard(server, floor):
    class Mistake(Exception):
        pass

    def said_and_failed():
        with recording():
            append("equipment_state", state_fact(), occurred_at=T0, line_id="L-OWN")
            raise Mistake

    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        with pytest.raises(Mistake):
            said_and_failed()
        say(1)
        assert client.expect("equipment_state")["seq"] == 1
        assert len(client.facts()) == 1


def test_a_snapshot_is_a_barrier_while_facts_pour_in(server, floor):
    """Subscribe again and again under load: seq is dense, and each snapshot lies where it says."""
    ended = threading.Event()

    def pour():
        number = 0
        while not ended.is_set():
            observe([observation(floor.machine, number, state=STATES[number % 4])])
            number += 1

    observe([observation(floor.machine, -1, state="running")])
    writer = in_thread(pour)
    try:
        with server.client(floor.viewer) as client:
            first = client.subscribe("line", "L-OWN")
            for type_, target in (
                ("equipment", "M.OWN"),
                ("line", "all"),
                ("production", "L-OWN"),
                ("event", "equipment_state"),
                ("production", "all"),
                ("line", "L-OWN"),
            ):
                client.subscribe(type_, target)
                for _ in range(4):
                    client.expect("equipment_state")
            ended.set()
            writer.join()
            client.quiet(0.5)
            fresh = client.subscribe("line", "L-OWN")
            frames = client.seen
    finally:
        ended.set()
        writer.join()
    began = first["positions"]["L-OWN"]
    facts = [frame["seq"] for frame in frames if "seq" in frame]
    assert facts == list(range(began + 1, began + 1 + len(facts)))
    assert len(facts) >= 24
    position, items = began, first["items"]
    snapshots = 0
    for frame in frames[frames.index(first) + 1 :]:
        if "seq" in frame:
            position = frame["seq"]
            items = fold(items, [frame])
        if frame["type"] == "snapshot":
            snapshots += 1
            assert frame["positions"]["L-OWN"] == position
            assert as_set(frame["items"]) == as_set(items)
    assert snapshots == 7
    assert fresh["positions"]["L-OWN"] == facts[-1]


def test_snapshot_act_fold_equals_a_fresh_snapshot(server, floor):
    """The guard of the live path: whatever happens to the line, the folded board is the fresh one."""
    second = equipment(line=floor.own, code="M.OWN.BL", position=2)
    jam, film = fault("Fault[1]", "Jam"), fault("Fault[2]", "Film")
    with server.client(floor.engineer) as client:
        before = client.subscribe("line", "all")
        deeds = [
            lambda: observe([observation(floor.machine, 0, state="running")]),
            lambda: observe([observation(second, 0, state="starved")]),
            lambda: observe([observation(floor.machine, 1, state="faulted", faults=(jam,))]),
            lambda: observe(
                [observation(floor.machine, 2, state="faulted", faults=(jam, film))]
            ),
            lambda: observe([observation(floor.machine, 3, state="faulted", faults=(film,))]),
            lambda: observe([observation(floor.foreign_machine, 3, state="setup")]),
            lambda: lose([second.pk], "the PLC does not answer", at(9)),
            lambda: observe([observation(floor.machine, 4, state="running", faults=())]),
            lambda: observe([observation(second, 12, state="running")]),
        ]
        for deed in deeds:
            deed()
        client.pong()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and client.quiet(0.3):
            continue
        fresh = client.subscribe("line", "all")
    assert before["items"] == []
    assert len(client.facts()) >= 9
    assert as_set(fold(before["items"], client.facts())) == as_set(fresh["items"])
    assert {item["data"]["state"] for item in fresh["items"]} == {"running", "setup"}


def test_a_gauge_arrives_with_the_snapshot_and_then_at_each_change(server, floor):
    tell(1)
    with server.client(floor.viewer) as client:
        client.subscribe("production", "L-OWN")
        assert client.expect("production_update")["data"]["good"] == 1
        tell(2)
        newer = client.expect("production_update")
        assert (newer["data"]["good"], newer["ver"], newer["key"]) == (2, 2, "production:L-OWN")
        tell(3, seconds=0)  # an older source time changes nothing
        assert client.quiet(0.4) == []


def test_a_gauge_is_not_told_where_nobody_asked_for_it(server, floor):
    tell(1)
    with server.client(floor.viewer) as client:
        client.subscribe("oee", "L-OWN")
        client.subscribe("equipment", "M.OWN")
        tell(2)
        assert client.quiet(0.4) == []


def test_a_stream_nobody_wanted_is_wanted_from_the_snapshot_on(server, floor):
    """The tail skips what nobody hears; a later subscriber loses nothing, and gets nothing twice."""
    with server.client(floor.engineer) as client:
        client.subscribe("line", "L-FOREIGN")
        for number in range(5):
            say(number)
        assert client.quiet(0.3) == []
        assert client.subscribe("line", "L-OWN")["positions"] == {"L-OWN": 5}
        say(6)
        assert client.expect("equipment_state")["seq"] == 6
        client.send("unsubscribe", subscription_type="line", target_id="L-OWN")
        client.expect("unsubscription_confirmed")
        for number in range(7, 10):
            say(number)
        time.sleep(0.3)
        assert client.subscribe("line", "L-OWN")["positions"] == {"L-OWN": 9}
        say(10)
        assert client.expect("equipment_state")["seq"] == 10
        assert [fact["seq"] for fact in client.facts()] == [6, 10]


def test_what_concerns_no_line_is_heard_by_all_lines(server, floor):
    with server.client(floor.viewer) as everything, server.client(floor.viewer) as one:
        everything.subscribe("line", "all")
        one.subscribe("line", "L-OWN")
        say(1, line=None)
        fact = everything.expect("equipment_state")
        assert (fact["line_id"], fact["stream"]) == (None, "plant")
        assert one.pong() == []


def test_subscribers_at_the_same_time_share_one_reading(server, floor):
    observe([observation(floor.machine, 0)])
    clients = [server.client(floor.viewer) for _ in range(20)]
    try:
        for client in clients:
            client.__enter__()
            client.receive()
        for client in clients:
            client.send("subscribe", subscription_type="line", target_id="L-OWN")
        for client in clients:
            assert len(client.expect("snapshot")["items"]) == 1
        assert server.hub.pictures.reads <= 10
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def test_a_new_epoch_ends_every_connection_that_held_positions(server, floor):
    with server.client(floor.viewer) as client:
        old = client.receive()["epoch"]
        client.subscribe("line", "L-OWN")
        renew("a test")
        assert client.closed_with() == 4510
    with server.client(floor.viewer) as client:
        assert client.receive()["epoch"] != old
        client.subscribe("line", "L-OWN")
        say(1)
        client.expect("equipment_state")


def test_eight_writers_lose_nothing_and_break_no_order(server, floor):
    machines = [equipment(line=floor.own) for _ in range(8)]

    def write(machine):
        for number in range(15):
            observe([observation(machine, number, state=STATES[number % 4])])

    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        threads = [in_thread(lambda machine=machine: write(machine)) for machine in machines]
        while len(client.facts()) < 8 * 15:
            client.expect("equipment_state", within_s=30)
        for thread in threads:
            thread.join()
        assert client.pong() == []
        assert [fact["seq"] for fact in client.facts()] == list(range(1, 121))


def test_the_heartbeat_tells_how_old_the_data_of_the_line_is(server, floor):
    from django.utils import timezone

    from telemetry.models import Plc, PlcLink, Tag

    plc = Plc.objects.create(code="p", name="P", protocol="logix", host="127.0.0.1")
    Tag.objects.create(
        plc=plc,
        name="s",
        address="s",
        data_type="float32",
        equipment=floor.machine,
        role="speed",
    )
    now = timezone.now()
    PlcLink.objects.create(plc=plc, status="connected", since=now)
    seen = now - timedelta(seconds=60)
    observe([observation(floor.machine, source_at=seen)])
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        deadline = time.monotonic() + 5
        fresh = {}
        while not fresh:
            assert time.monotonic() < deadline
            fresh = client.expect("heartbeat")["freshness"]
    assert fresh["L-OWN"]["plc"] == "connected"
    assert fresh["L-OWN"]["quality"] == "good"
    assert 60_000 <= fresh["L-OWN"]["age_ms"] < 70_000
