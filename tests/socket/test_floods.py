"""Too much of everything: a flood is refused by the limits, others hear on, and nothing is left behind."""

import json
import time
from collections import Counter
from contextlib import suppress

import pytest

from realtime.limits import Limits
from tests.figures import record
from tests.rude import Ended, Rude, close, resident_bytes, text
from tests.socket.conftest import serving
from tests.socket.rude_floor import hears_on, key_of, lifted, nothing_is_left, witness
from tests.socket.test_delivery import in_thread, say, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

MB = 2**20
FLOOD = 10_000


def subscriptions(count):
    """Return that many subscribe messages, each to another target, all of which may be heard."""
    wish = {"type": "subscribe", "subscription_type": "job", "snapshot": False}
    return b"".join(
        text(json.dumps(wish | {"id": number, "target_id": str(number)}))
        for number in range(1, count + 1)
    )


def test_of_ten_thousand_subscriptions_at_once_most_are_too_fast_and_then_it_is_over(floor):
    limits = Limits(heartbeat_s=0.5, connections_per_user=100)
    with serving(limits) as server:
        with witness(server, floor.engineer) as heard:
            with Rude(server.port).open(key_of(floor.viewer)) as rude:
                codes, code = _flood(rude, subscriptions(FLOOD))
            hears_on(heard)
        nothing_is_left(server)
    assert code == 4429
    # The burst, and what the bucket is refilled with while the flood lasts.
    assert 40 <= codes["subscription_confirmed"] <= 200
    # The close does not wait until all refusals are read.
    assert 1 <= codes["RATE_LIMITED"] <= limits.refusals_per_minute + 1
    assert codes.keys() == {"subscription_confirmed", "RATE_LIMITED"}
    record("flood of subscriptions", FLOOD, **codes, closed_with=code)


@pytest.mark.timeout(240)
def test_of_ten_thousand_slow_subscriptions_two_hundred_are_taken(floor):
    with serving(lifted(waiting=2 * FLOOD)) as server:
        with witness(server, floor.engineer) as heard:
            with Rude(server.port).open(key_of(floor.viewer)) as rude:
                rude.send(subscriptions(FLOOD) + text('{"type":"get_subscriptions"}'))
                codes = Counter()
                for message in rude.messages(60):
                    codes[message.get("code", message["type"])] += 1
                    if message["type"] == "subscription_details":
                        break
                assert len(message["subscriptions"]) == 200
                assert server.hub.totals().groups <= 201
            hears_on(heard)
        nothing_is_left(server)
    assert codes["subscription_confirmed"] == 200
    assert codes["LIMIT_SUBSCRIPTIONS"] == FLOOD - 200


def test_a_client_that_says_the_same_nonsense_is_closed_and_may_come_again(floor):
    limits = Limits(heartbeat_s=0.5, handshake_burst=100)
    with serving(limits) as server:
        for _ in range(3):
            with Rude(server.port).open(key_of(floor.viewer)) as rude:
                codes, code = _flood(rude, text("nonsense") * 1_000)
            assert (set(codes), code) == ({"INVALID_JSON"}, 4400)
            assert codes["INVALID_JSON"] <= limits.malformed_per_minute + 1
        nothing_is_left(server)


@pytest.mark.timeout(240)
def test_a_thousand_come_and_go_and_leave_nothing(floor):
    key = key_of(floor.viewer)
    wish = {"subscription_type": "line", "target_id": "L-OWN"}
    with serving(lifted()) as server:
        with witness(server, floor.engineer) as heard:
            before = resident_bytes()
            for number in range(1_000):
                with Rude(server.port) as rude:
                    match number % 5:
                        case 0:  # it leaves before it has said a word
                            continue
                        case 1:
                            rude.open(key).say("subscribe", **wish)
                        case 2:
                            rude.open(key).say("subscribe", **wish)
                            rude.reset()
                        case 3:
                            rude.open(key).send(close(1000))
                            assert rude.ended_with() == 1000
                        case _:
                            rude.open(key).say("subscribe", **wish)
                            rude.expect("snapshot")
            hears_on(heard)
            grown = resident_bytes() - before
        nothing_is_left(server)
    assert grown < 50 * MB
    record("connects and disconnects", 1_000)


def test_one_address_that_knocks_too_often_is_asked_to_stay_away(floor):
    limits = Limits(heartbeat_s=0.5, handshakes_per_second=0.01, handshake_burst=20)
    key, found = key_of(floor.engineer), Counter()
    with serving(limits) as server:
        for _ in range(60):
            with Rude(server.port).open(key) as rude:
                try:
                    rude.expect("connection_established")
                    found["let in"] += 1
                except Ended as ended:
                    found[ended.code] += 1
        nothing_is_left(server)
    assert found == {"let in": 20, 4503: 40}


def test_a_client_that_never_reads_is_cut_off_and_leaves_no_task(floor):
    limits = lifted(waiting=50, heartbeat_s=60, close_s=0.2)
    with serving(limits, send_buffer=4096) as server:
        with witness(server, floor.viewer) as heard:
            with Rude(server.port, receive_buffer=4096).open(key_of(floor.engineer)) as deaf:
                deaf.say("subscribe", subscription_type="line", target_id="L-FOREIGN")
                deaf.expect("snapshot")
                (cut_off,) = (c for c in server.hub.connections if c.access.name == "engineer")
                before, deadline, number = resident_bytes(), time.monotonic() + 60, 0
                while cut_off in server.hub.connections:
                    assert time.monotonic() < deadline
                    number += 1
                    say(number, line="L-FOREIGN", times=30)
            hears_on(heard)
        nothing_is_left(server)
    assert cut_off.ended.result().code == 4508
    assert resident_bytes() - before < 50 * MB


@pytest.mark.timeout(240)
def test_a_client_that_reads_a_frame_a_second_gets_the_newest_and_every_fact(floor):
    keys, facts = [f"production:{number}" for number in range(20)], 40
    newest, shown, seqs, changes = {}, {}, [], 0

    def work(outbox):
        """Say the facts, then change the gauges until many changes found every gauge waiting for the client.

        Not for long: who reads so slowly does not answer the server's pings in time either.
        """
        nonlocal changes
        found_waiting = 0
        while changes < 5 * facts or found_waiting < 500:
            assert changes < 20_000
            found_waiting += outbox.waiting >= len(keys)
            changes += 1
            key = keys[changes % len(keys)]
            tell(changes, key=key)
            newest[key] = changes
            if changes % 5 == 0 and changes <= 5 * facts:
                say(changes)

    with serving(lifted(heartbeat_s=60), send_buffer=4096) as server:
        with Rude(server.port, receive_buffer=4096).open(key_of(floor.viewer)) as slow:
            slow.say("subscribe", subscription_type="line", target_id="L-OWN")
            slow.expect("snapshot")
            (connection,) = server.hub.connections
            writer = in_thread(lambda: work(connection.outbox))
            for message in slow.messages(30):
                if message["type"] == "production_update":
                    assert message["data"]["good"] > shown.get(message["key"], 0)
                    shown[message["key"]] = message["data"]["good"]
                elif "seq" in message:
                    seqs.append(message["seq"])
                if writer.is_alive():
                    time.sleep(1)
                elif shown == newest and len(seqs) == facts:
                    break
            slow.say("get_stats")
            stats = slow.expect("connection_stats")
        nothing_is_left(server)
    assert seqs == list(range(1, facts + 1))
    assert stats["facts_sent"] == facts
    assert 0 < stats["coalesced"] < changes


def _flood(rude, frames):
    """Send it all, then read; return how often each answer came, and the code of the close."""
    codes = Counter()
    with suppress(ConnectionError):  # it is cut off while it still sends
        rude.send(frames)
    try:
        for message in rude.messages():
            if message["type"] not in {"connection_established", "heartbeat"}:
                codes[message.get("code", message["type"])] += 1
    except Ended as ended:
        return codes, ended.code
