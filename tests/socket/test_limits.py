"""What a client may do and how it is told that it went too far; the others do not notice."""

import json
import socket
import time

import pytest

from realtime.limits import Limits
from tests.client import Closed
from tests.factories import at
from tests.socket.conftest import serving
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
        assert cut_off.outbox.waiting == 50


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
