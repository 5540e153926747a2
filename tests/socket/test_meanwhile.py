"""What changes while a subscription is being made: access, places, wishes, and more than fits."""

import json
import socket
import time
from dataclasses import replace

import pytest

from ms5.events.log import append, gauge, recording
from production.actions import observe
from realtime.places import PLACES
from tests import samples
from tests.factories import at, observation
from tests.floor import update_gauge
from tests.socket.conftest import LIMITS, serving
from tests.socket.test_batch import Frames, messages
from tests.socket.test_delivery import say

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

OWN = {"subscription_type": "line", "target_id": "L-OWN"}
FOREIGN = {"subscription_type": "line", "target_id": "L-FOREIGN"}


def slowed(server, seconds, stream):
    """Let the picture of the stream take so long to read; what is read is the truth."""
    read = server.hub.pictures._read

    def slowly(key):
        if key == stream:
            time.sleep(seconds)
        return read(key)

    server.hub.pictures._read = slowly


def test_a_line_that_is_revoked_while_its_snapshot_is_read_is_not_told(server, floor):
    say(0)
    with server.client(floor.viewer) as client, server.client(floor.engineer) as control:
        control.subscribe("line", "L-OWN")
        client.receive()
        slowed(server, 1.5, "L-OWN")
        server.hub.pictures.forget()
        id_ = client.send("subscribe", **OWN)
        time.sleep(0.2)
        floor.viewer.line_access.all().delete()
        error = client.expect("error")
        assert (error.get("id"), error["code"]) == (id_, "INVALID_TARGET")
        say(1)
        control.expect("equipment_state", seq=2)
        assert client.pong() == []
        assert client.facts() == []


def test_a_line_that_is_revoked_during_a_resume_leaves_the_others_whole(server, floor):
    floor.viewer.line_access.create(line=floor.foreign)
    say(0, times=2)
    say(0, line="L-FOREIGN", code="M.FOREIGN", times=3)
    with server.client(floor.viewer) as client:
        epoch = client.receive()["epoch"]
        slowed(server, 1.5, "L-FOREIGN")
        one = {"seq": 1}
        client.send(
            "resume",
            epoch=epoch,
            positions={"L-FOREIGN": one, "L-OWN": one},
            subscriptions=[FOREIGN, OWN],
        )
        time.sleep(0.2)
        floor.viewer.line_access.filter(line=floor.own).delete()
        streams = client.expect("resumed", within_s=8)["streams"]
        client.expect("live")
        assert streams["L-FOREIGN"]["recovered"] is True
        assert streams["L-OWN"]["reason"] == "forbidden"
        assert [fact["line_id"] for fact in client.facts()] == ["L-FOREIGN"] * 2
        codes = [frame["code"] for frame in client.seen if frame["type"] == "error"]
        assert codes == ["FORBIDDEN"]


def test_what_was_unsubscribed_during_a_renewal_stays_so(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "all")
        client.subscribe("andon", "all")
        slowed(server, 0.5, "L-FOREIGN")
        floor.viewer.line_access.create(line=floor.foreign)
        client.send("unsubscribe", subscription_type="andon", target_id="all")
        client.expect("unsubscription_confirmed")
        client.quiet(2.5)
        details = client.expect("subscription_details", id=client.send("get_subscriptions"))
        targets = [(s["subscription_type"], s["target_id"]) for s in details["subscriptions"]]
        assert targets == [("line", "all")]
        assert set(details["positions"]) == {"L-OWN", "L-FOREIGN", "plant"}


def test_a_subscription_follows_its_equipment_to_another_line(server, floor):
    observe([observation(floor.machine, 0)])
    with server.client(floor.engineer) as client, server.client(floor.viewer) as viewer:
        client.subscribe("equipment", "M.OWN")
        viewer.subscribe("equipment", "M.OWN")
        floor.machine.line = floor.foreign
        floor.machine.save()
        anew = client.expect("snapshot")
        assert anew["positions"] == {"L-FOREIGN": 0}
        assert [item["line_id"] for item in anew["items"]] == ["L-FOREIGN"]
        assert viewer.expect("error")["code"] == "FORBIDDEN"
        observe([observation(floor.machine, 1, state="stopped")])
        assert client.expect("equipment_state")["line_id"] == "L-FOREIGN"
        assert viewer.pong() == []


def test_a_line_with_more_gauges_than_may_wait_is_told_whole(floor):
    with recording():
        for number in range(120):
            gauge(
                "production_update",
                update_gauge(number),
                key=f"production:{number}",
                source_at=at(number),
                line_id="L-OWN",
            )
    with serving(replace(LIMITS, waiting=50)) as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        client.pong()
        assert len({frame["key"] for frame in client.seen if "key" in frame}) == 120


def test_the_heartbeat_comes_whatever_is_subscribed_to(server, floor):
    with server.client(floor.viewer) as client:
        ended = time.monotonic() + 2.5
        while time.monotonic() < ended:
            client.subscribe("line", "L-OWN")
            time.sleep(0.06)
        assert client.types().count("heartbeat") >= 4


def test_the_first_heartbeat_tells_no_age_of_before(server, floor):
    """A process that nobody listened to has not looked at anything meanwhile."""
    observe([observation(floor.machine, 0)])
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        client.expect("heartbeat")
    deadline = time.monotonic() + 5
    while server.hub.watch.freshness(frozenset({"L-OWN"})):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server.hub.watch.degraded == []


def test_a_frame_of_the_batch_protocol_is_bounded_in_bytes(server, floor):
    text = "線" * 500
    with Frames(server, floor.viewer, "ms5.v1+batch") as client:
        client.send(type="subscribe", **OWN)
        client.until("snapshot")
        with recording():
            for _ in range(200):
                append(
                    "andon_event",
                    samples.sample("andon_event", description=text),
                    occurred_at=at(0),
                    line_id="L-OWN",
                )
        sizes, facts = [], 0
        while facts < 200:
            frame = client.socket.recv(timeout=5)
            sizes.append(len(frame.encode()))
            facts += sum(m["type"] == "andon_event" for m in messages([json.loads(frame)]))
        assert max(sizes) <= 65_536
        assert len(sizes) < 40


def test_facts_of_a_revoked_line_that_wait_for_a_slow_reader_are_not_sent(floor):
    say(0, times=1_500)
    limits = replace(LIMITS, heartbeat_s=60)
    with serving(limits, send_buffer=4096) as server, server.client(floor.viewer) as slow:
        slow.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        epoch = slow.receive()["epoch"]
        (connection,) = server.hub.connections
        slow.send("resume", epoch=epoch, positions={"L-OWN": {"seq": 0}}, subscriptions=[OWN])
        deadline = time.monotonic() + 10
        while connection.outbox.waiting < 500:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        floor.viewer.line_access.all().delete()
        while connection in server.hub.connections:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert connection.ended.result().code == 4510
        assert slow.closed_with() in {4510, 1006, None}
        # It is written to until the revocation is seen, which on a busy machine takes a while.
        assert len(slow.facts()) <= 1_200


def test_where_an_equipment_stands_is_looked_up_before_it_is_known_who_may_see_it(
    server, floor
):
    """Access that ends during the look-up counts."""
    with server.client(floor.viewer) as client:
        client.receive()
        look_up = PLACES.line_of

        def slowly(code):
            time.sleep(1.5)
            return look_up(code)

        PLACES.line_of = slowly
        try:
            id_ = client.send("subscribe", subscription_type="equipment", target_id="M.OWN")
            time.sleep(0.2)
            floor.viewer.line_access.all().delete()
            assert client.expect("error", id=id_)["code"] == "INVALID_TARGET"
        finally:
            PLACES.line_of = look_up
        assert server.hub.interest._wishes.keys() <= {"sys"}
