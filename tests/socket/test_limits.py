"""What a client may do and how it is told that it went too far; the others do not notice."""

import json
import socket
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed

from ms5.accounts.keys import issue
from realtime.limits import Limits
from tests.client import Client, Closed
from tests.factories import at, equipment
from tests.socket.conftest import LIMITS, serving
from tests.socket.test_delivery import say, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


def test_too_many_messages_are_refused_with_the_time_to_wait(server, floor):
    with server.client(floor.viewer) as client:
        for _ in range(60):
            client.send("ping")
        error = client.expect("error")
        assert (error["code"], error["retryable"]) == ("RATE_LIMITED", True)
        assert 1 <= error["retry_after_ms"] <= 50
        client.quiet(0.3)
        assert client.pong() == []
        assert client.types().count("pong") >= 41


def test_more_than_two_hundred_refusals_of_a_minute_close(server, floor):
    with server.client(floor.viewer) as client:
        with suppress(ConnectionClosed):
            for _ in range(400):
                client.send("ping")
        assert client.closed_with() == 4429
        codes = [frame["code"] for frame in client.seen if frame["type"] == "error"]
        assert set(codes) == {"RATE_LIMITED"}
        # What waited when it was closed is not sent any more.
        assert len(codes) <= 201
    with server.client(floor.viewer) as client:
        for _ in range(200):
            client.send("ping")
        client.quiet(1.0)
        assert client.pong() == []


def test_a_resume_counts_as_ten_messages_and_stats_as_five(floor):
    slow = replace(LIMITS, messages_per_second=0.001, burst=20)
    with serving(slow) as server, server.client(floor.viewer) as client:
        resume = {"epoch": "e", "positions": {}, "subscriptions": []}
        client.send("resume", **resume)  # 10 left
        client.send("get_stats")  # 5 left
        client.expect("connection_stats")
        refused = client.send("resume", **resume)  # one is taken before it is read: 4 left
        error = client.expect("error", id=refused)
        assert error["code"] == "RATE_LIMITED"
        # What is missing of ten, at a thousandth a second.
        assert 5_999_000 <= error["retry_after_ms"] <= 6_001_000
        assert client.pong() == []  # 3 left
        for left in (2, 1, 0):
            assert client.pong() == [], left
        client.send("ping")
        assert client.expect("error")["code"] == "RATE_LIMITED"


def test_a_user_has_at_most_so_many_connections_and_others_come_in(floor):
    limits = replace(LIMITS, connections_per_user=2)
    with serving(limits) as server, server.client(floor.viewer) as first:
        first.receive()
        with server.client(floor.viewer) as second:
            second.receive()
            with server.client(floor.viewer) as third:
                assert third.closed_with() == 4503
                assert third.seen == []
            with server.client(floor.engineer) as other:
                other.receive()
        eventually_let_in(lambda: server.client(floor.viewer))


def test_an_address_has_at_most_so_many_connections_and_kiosks_are_not_counted(floor):
    limits = replace(LIMITS, connections_per_address=1)
    _, kiosk = issue(floor.viewer, "a screen", kiosk=True)
    headers = {"Authorization": f"Token {kiosk}"}
    with serving(limits) as server, server.client(floor.viewer) as client:
        client.receive()
        with server.client(floor.engineer) as second:
            assert second.closed_with() == 4503
        with (
            Client(server.url, headers=headers) as one,
            Client(server.url, headers=headers) as two,
        ):
            assert [each.receive()["type"] for each in (one, two)] == [
                "connection_established"
            ] * 2


def test_behind_proxies_connections_are_counted_by_the_address_the_proxy_told(floor, settings):
    settings.TRUSTED_PROXIES = 1
    _, key = issue(floor.viewer, "a program")

    def from_address(said):
        return Client(
            server.url, headers={"Authorization": f"Token {key}", "X-Forwarded-For": said}
        )

    one_each = replace(LIMITS, connections_per_address=1)
    with serving(one_each) as server:
        with from_address("192.0.2.1") as one, from_address("192.0.2.2") as two:
            assert [each.receive()["user"]["name"] for each in (one, two)] == ["viewer"] * 2
            # What stands before the proxy's own entry is the client's invention.
            with from_address("192.0.2.9, 192.0.2.1") as liar:
                assert liar.closed_with() == 4503
        settings.TRUSTED_PROXIES = 0
        with from_address("192.0.2.1") as one:
            one.receive()  # it is in before the other one knocks
            with from_address("192.0.2.2") as two:
                assert two.closed_with() == 4503


def test_a_process_has_at_most_so_many_connections(floor):
    with serving(replace(LIMITS, connections=2)) as server:
        with server.client(floor.viewer) as one, server.client(floor.engineer) as two:
            one.receive()
            two.receive()
            with server.client(floor.viewer) as third:
                assert third.closed_with() == 4503
        eventually_let_in(lambda: server.client(floor.viewer))


def test_an_address_that_connects_too_fast_is_told_to_stay_away(floor):
    slow = replace(LIMITS, handshakes_per_second=0.01, handshake_burst=3)
    with serving(slow) as server:
        for _ in range(3):
            with server.client(floor.viewer) as client:
                client.receive()
        with server.client(floor.viewer) as client:
            assert client.closed_with() == 4503
            assert client.seen == []


def test_a_connection_is_asked_to_come_again_when_its_life_is_over(floor):
    with serving(replace(LIMITS, life_s=1)) as server, server.client(floor.viewer) as client:
        began = time.monotonic()
        client.receive()
        assert client.closed_with() == 1012
        assert 0.8 <= time.monotonic() - began <= 5


def test_all_limits_that_a_client_must_know_are_announced(floor):
    limits = replace(
        LIMITS, frame_bytes=4096, subscriptions=7, messages_per_second=3, resume_events=9
    )
    with serving(limits) as server, server.client(floor.viewer) as client:
        assert client.receive()["limits"] == {
            "frame_bytes": 4096,
            "subscriptions": 7,
            "messages_per_second": 3,
            "resume_events": 9,
            "positions": 256,
        }


def test_a_list_counts_as_one_message_and_each_of_its_wishes_as_a_subscription(floor):
    limits = replace(LIMITS, subscriptions=3, messages_per_second=0.001, burst=10)
    wishes = [
        {"subscription_type": type_, "target_id": "L-OWN"}
        for type_ in ("line", "oee", "andon", "quality")
    ]
    with serving(limits) as server, server.client(floor.viewer) as client:
        client.send("subscribe", subscriptions=wishes)
        assert client.expect("error")["code"] == "LIMIT_SUBSCRIPTIONS"
        assert client.pong() == []
        client.send("subscribe", subscriptions=wishes[:2])
        client.send("subscribe", subscriptions=wishes[1:])
        assert client.expect("error")["target_id"] == "L-OWN"
        client.send("get_subscriptions")
        heard = client.expect("subscription_details")["subscriptions"]
        assert [each["subscription_type"] for each in heard] == ["line", "oee", "andon"]


def test_a_list_of_equipment_reads_the_database_once_whatever_its_length(server, floor):
    """The same for codes that exist, and for a guesser's."""
    from realtime.places import PLACES

    wishes = [
        {"subscription_type": "equipment", "target_id": f"GUESS.{number}"}
        for number in range(199)
    ] + [{"subscription_type": "equipment", "target_id": "M.OWN"}]
    with server.client(floor.viewer) as client:
        client.receive()
        before, began = PLACES.reads, time.monotonic()
        for _ in range(3):
            client.send("subscribe", subscriptions=wishes)
            for _ in range(199):
                assert client.expect("error")["code"] == "INVALID_TARGET"
            client.expect("snapshot", target_id="M.OWN")
        took_s = time.monotonic() - began
        assert PLACES.reads - before <= 1 + took_s


def test_equipment_added_here_can_be_heard_at_once(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("equipment", "M.OWN")
        added = equipment(line=floor.own, code="M.NEW")
        client.subscribe("equipment", "M.NEW")
        added.line = floor.foreign
        added.save()
        client.send("subscribe", subscription_type="equipment", target_id="M.NEW")
        assert client.expect("error")["code"] == "INVALID_TARGET"


def eventually_let_in(client):
    """The places of those who left are free; the server may hear of it a moment later."""
    deadline = time.monotonic() + 5
    while True:
        with client() as again:
            try:
                again.receive()
            except Closed:
                assert time.monotonic() < deadline
            else:
                return


def test_the_eleventh_malformed_message_of_a_minute_closes(server, floor):
    with server.client(floor.viewer) as client:
        for number in range(11):
            client.connection.send("nonsense" if number % 2 else '{"type":"nonsense"}')
        assert client.closed_with() == 4400
        codes = [frame["code"] for frame in client.seen if frame["type"] == "error"]
        assert len(codes) in {10, 11}
        assert set(codes) == {"INVALID_JSON", "UNKNOWN_MESSAGE_TYPE"}


def test_a_wrong_target_is_no_malformed_message(server, floor):
    with server.client(floor.viewer) as client:
        for _ in range(15):
            client.send("subscribe", subscription_type="line", target_id="L-NONE")
            client.expect("error")
        assert client.pong() == []


def test_a_binary_frame_closes(server, floor):
    with server.client(floor.viewer) as client:
        client.connection.send(b"\x00\x01")
        assert client.closed_with() == 1003


def test_a_frame_above_16_kib_is_refused_and_one_above_64_kib_closes(server, floor):
    with server.client(floor.viewer) as client:
        client.connection.send(json.dumps({"type": "ping", "t": ["x" * 500] * 40}))
        assert client.expect("error")["code"] == "TOO_LARGE"
        assert client.pong() == []
        client.connection.send("x" * 70_000)
        assert client.closed_with() == 1009


def test_a_connection_has_at_most_so_many_subscriptions(floor):
    with serving(Limits(subscriptions=3)) as server, server.client(floor.viewer) as client:
        for type_ in ("line", "oee", "andon"):
            client.subscribe(type_, "L-OWN")
        client.send("subscribe", subscription_type="quality", target_id="L-OWN")
        assert client.expect("error")["code"] == "LIMIT_SUBSCRIPTIONS"
        client.subscribe("line", "L-OWN")
        client.send("unsubscribe", subscription_type="oee", target_id="L-OWN")
        client.expect("unsubscription_confirmed")
        client.subscribe("quality", "L-OWN")


def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_served(floor):
    limits = Limits(waiting=50, heartbeat_s=60, close_s=0.2)
    with serving(limits, send_buffer=4096) as server, server.client(floor.viewer) as deaf:
        deaf.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.subscribe("line", "L-OWN")
        # From here on nobody takes its frames: the client's own thread stops with its queue full.
        (cut_off,) = server.hub.connections
        with server.client(floor.viewer) as client:
            client.subscribe("line", "L-OWN")
            number, deadline = 0, time.monotonic() + 30
            while cut_off in server.hub.connections:
                assert time.monotonic() < deadline
                number += 30
                say(number, times=30)
                client.expect("equipment_state", seq=number)
            client.pong()
            assert [fact["seq"] for fact in client.facts()] == list(range(1, number + 1))
        assert cut_off.ended.result().code == 4508
        assert cut_off.outbox.waiting == 0


def test_a_slow_client_gets_the_newest_gauge_and_not_the_history(floor):
    """Gauges that were overtaken while they waited are counted, and none waits twice."""
    import asyncio

    from realtime.outbox import Outbox

    async def scenario():
        gate, sent, all_sent = asyncio.Event(), [], asyncio.Event()

        async def send(message):
            await gate.wait()
            sent.append(message["text"])
            if len(sent) == 3:
                all_sent.set()

        outbox = Outbox(send, most=10, most_bytes=1000)
        writer = asyncio.create_task(outbox.write())
        outbox.put("fact 1")
        await asyncio.sleep(0)
        for number in range(100):
            outbox.put_gauge(("L", "oee"), f"oee {number}")
        outbox.put("fact 2")
        assert outbox.waiting == 2
        gate.set()
        await all_sent.wait()
        writer.cancel()
        return sent, outbox.coalesced

    sent, coalesced = asyncio.run(scenario())
    assert sorted(sent) == ["fact 1", "fact 2", "oee 99"]
    assert [text for text in sent if text.startswith("fact")] == ["fact 1", "fact 2"]
    assert coalesced == 99


def test_a_mistake_of_ours_has_an_incident_and_ends_one_message_only(server, floor, caplog):
    with server.client(floor.viewer) as client:
        client.receive()

        def broken():
            raise ZeroDivisionError

        server.hub.totals = broken
        server.hub.watch.degraded = []
        for connection in server.hub.connections:
            connection.feed.positions = broken
            connection.limits = Limits(heartbeat_s=60)
        client.send("get_subscriptions")
        error = client.expect("error")
        assert error["code"] == "INTERNAL"
        assert error["incident"] in {
            getattr(record, "incident", None) for record in caplog.records
        }
        client.send("ping")
        client.expect("pong")


def test_the_server_going_down_says_so(floor):
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        say(1)
        tell(1, seconds=1)
        assert at(1)
        client.expect("equipment_state")
        server.stop()
        assert client.closed_with() == 1012


def test_after_a_refusal_of_the_door_the_client_is_gone_from_the_hub(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        client.connection.send(b"\x00")
        with pytest.raises(Closed):
            client.quiet(5)
    deadline = time.monotonic() + 5
    while server.hub.connections:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert server.hub.totals().groups == 0
    assert not server.hub.interest.wants("L-OWN")
