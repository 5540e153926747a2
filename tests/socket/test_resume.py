"""A client that comes back is given what it missed, or is told what it will never get."""

import pytest

from ms5.events.models import Event, Stream
from production.actions import observe
from realtime.limits import Limits
from tests.factories import observation
from tests.socket.conftest import serving
from tests.socket.test_delivery import say, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

OWN = {"subscription_type": "line", "target_id": "L-OWN"}
ALL = {"subscription_type": "line", "target_id": "all"}


def place(fact):
    return {"seq": fact["seq"], "event_id": fact["event_id"]}


def resume(client, positions, *subscriptions, epoch=None):
    """Resume; return the answer and all frames up to `live`."""
    first = client.seen[0] if client.seen else client.receive()
    id_ = client.send(
        "resume",
        epoch=epoch or first["epoch"],
        positions=positions,
        subscriptions=list(subscriptions) or [OWN],
    )
    answer = client.expect("resumed", id=id_)
    start = len(client.seen)
    client.expect("live", id=id_)
    return answer, client.seen[start:]


def recovered(count):
    return {"recovered": True, "count": count, "reason": None, "missing": None}


def not_recovered(reason, missing=None):
    return {"recovered": False, "count": 0, "reason": reason, "missing": missing}


def seqs(frames):
    return [frame["seq"] for frame in frames if "seq" in frame]


def last_fact(server, user):
    """Say three facts to a client that then leaves; return the last one."""
    with server.client(user) as client:
        client.subscribe("line", "L-OWN")
        for number in range(3):
            say(number)
        return client.expect("equipment_state", seq=3)


def test_missed_facts_are_replayed_in_order_and_then_it_is_live(server, floor):
    fact = last_fact(server, floor.viewer)
    for number in range(3, 8):
        say(number)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)})
        assert answer["streams"] == {"L-OWN": recovered(5)}
        assert [frame["type"] for frame in frames] == [
            "subscription_confirmed",
            *["equipment_state"] * 5,
            "live",
        ]
        assert frames[0]["positions"] == frames[-1]["positions"] == {"L-OWN": 8}
        say(8)
        client.expect("equipment_state", seq=9)
        assert [fact["seq"] for fact in client.facts()] == [4, 5, 6, 7, 8, 9]
        assert client.expect("heartbeat")["facts_sent"] == 6


def test_nothing_missed_is_nothing_replayed(server, floor):
    fact = last_fact(server, floor.viewer)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)})
        assert answer["streams"] == {"L-OWN": recovered(0)}
        assert seqs(frames) == []


def test_a_client_that_saw_an_empty_stream_resumes_from_zero(server, floor):
    say(0)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": {"seq": 0, "event_id": None}})
        assert answer["streams"] == {"L-OWN": recovered(1)}
        assert seqs(frames) == [1]


def test_only_what_the_subscriptions_hear_is_replayed(server, floor):
    fact = last_fact(server, floor.viewer)
    say(4)
    say(5, code="M.OTHER")
    with server.client(floor.viewer) as client:
        answer, frames = resume(
            client,
            {"L-OWN": place(fact)},
            {"subscription_type": "equipment", "target_id": "M.OWN"},
            {"subscription_type": "downtime", "target_id": "all"},
        )
        assert answer["streams"]["L-OWN"] == recovered(1)
        assert seqs(frames) == [4]


def test_each_missed_fact_comes_once_whatever_the_subscriptions(server, floor):
    fact = last_fact(server, floor.viewer)
    say(4)
    with server.client(floor.viewer) as client:
        _, frames = resume(
            client,
            {"L-OWN": place(fact), "plant": {"seq": 0}},
            OWN,
            ALL,
            {"subscription_type": "event", "target_id": "equipment_state"},
            {"subscription_type": "production", "target_id": "all"},
        )
        assert seqs(frames) == [4]
        assert [frame["type"] for frame in frames].count("subscription_confirmed") == 4


def test_gauges_come_in_their_newest_value_before_live(server, floor):
    fact = last_fact(server, floor.viewer)
    tell(1)
    tell(2)
    with server.client(floor.viewer) as client:
        _, frames = resume(client, {"L-OWN": place(fact)})
        values = [frame["data"]["good"] for frame in frames if "ver" in frame]
        assert values == [2]
        tell(3)
        assert client.expect("production_update")["data"]["good"] == 3


def snapshots(frames):
    return [frame for frame in frames if frame["type"] == "snapshot"]


def test_another_epoch_is_told_and_gets_a_snapshot(server, floor):
    fact = last_fact(server, floor.viewer)
    observe([observation(floor.machine, 9, state="blocked")])
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)}, epoch="e-before")
        assert answer["streams"] == {"L-OWN": not_recovered("epoch")}
        (snapshot,) = snapshots(frames)
        assert (snapshot["partial"], snapshot["positions"]) == (True, {"L-OWN": 4})
        assert [item["data"]["state"] for item in snapshot["items"]] == ["blocked"]
        assert seqs(frames) == []


def test_a_position_above_the_head_comes_from_another_life(server, floor):
    last_fact(server, floor.viewer)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": {"seq": 4}})
        assert answer["streams"] == {"L-OWN": not_recovered("ahead")}
        assert snapshots(frames)[0]["positions"] == {"L-OWN": 3}


def test_another_event_at_the_position_comes_from_another_life(server, floor):
    fact = last_fact(server, floor.viewer)
    other = {"seq": 2, "event_id": fact["event_id"]}
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": other})
        assert answer["streams"] == {"L-OWN": not_recovered("diverged")}
        assert snapshots(frames)[0]["partial"] is True


def prune_below(seq, stream="L-OWN"):
    Event.objects.filter(stream__name=stream, seq__lt=seq).delete()
    Stream.objects.filter(name=stream).update(tail=seq)


def test_facts_that_are_no_longer_kept_are_an_announced_gap(server, floor):
    fact = last_fact(server, floor.viewer)
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        for number in range(3, 10):
            say(number)
        client.expect("equipment_state", seq=10)
    prune_below(7)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)})
        gap = {"after": 3, "to": 10}
        assert answer["streams"] == {"L-OWN": not_recovered("retention", gap)}
        assert snapshots(frames)[0]["positions"] == {"L-OWN": 10}
        assert seqs(frames) == []


def test_facts_up_to_the_place_may_have_been_pruned(server, floor):
    fact = last_fact(server, floor.viewer)
    say(4)
    prune_below(4)
    with server.client(floor.viewer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)})
        assert answer["streams"] == {"L-OWN": recovered(1)}
        assert seqs(frames) == [4]


def test_more_than_a_replay_brings_is_an_announced_gap(floor):
    with serving(Limits(resume_events=5)) as server:
        fact = last_fact(server, floor.viewer)
        say(0, times=5)
        with server.client(floor.viewer) as client:
            assert resume(client, {"L-OWN": place(fact)})[0]["streams"] == {
                "L-OWN": recovered(5)
            }
        say(0)
        with server.client(floor.viewer) as client:
            answer, frames = resume(client, {"L-OWN": place(fact)})
            gap = {"after": 3, "to": 9}
            assert answer["streams"] == {"L-OWN": not_recovered("too_far", gap)}
            assert seqs(frames) == []


def test_all_streams_together_replay_no_more_than_the_limit(floor):
    say(0, times=4)
    say(0, line="L-FOREIGN", code="M.FOREIGN", times=4)
    say(0, line=None, times=1)
    zero = {"seq": 0}
    with serving(Limits(resume_total=5)) as server, server.client(floor.engineer) as client:
        answer, frames = resume(client, {"L-OWN": zero, "L-FOREIGN": zero, "plant": zero}, ALL)
        assert answer["streams"] == {
            "L-FOREIGN": recovered(4),
            "L-OWN": not_recovered("too_far", {"after": 0, "to": 4}),
            "plant": recovered(1),
        }
        assert len(seqs(frames)) == 5
        (snapshot,) = snapshots(frames)
        assert snapshot["positions"] == {"L-OWN": 4}


def test_a_stream_without_a_position_gets_a_snapshot(server, floor):
    fact = last_fact(server, floor.engineer)
    observe([observation(floor.foreign_machine, 1)])
    with server.client(floor.engineer) as client:
        answer, frames = resume(client, {"L-OWN": place(fact)}, ALL)
        assert answer["streams"] == {
            "L-OWN": recovered(0),
            "L-FOREIGN": not_recovered("no_position"),
            "plant": not_recovered("no_position"),
        }
        (snapshot,) = snapshots(frames)
        assert snapshot["positions"] == {"L-FOREIGN": 1, "plant": 0}
        assert [item["line_id"] for item in snapshot["items"]] == ["L-FOREIGN"]


@pytest.mark.parametrize("seq", [0, 1, 99])
def test_a_foreign_stream_and_one_that_is_not_there_get_the_same_answer(server, floor, seq):
    say(0, line="L-FOREIGN", code="M.FOREIGN", times=2)
    with server.client(floor.viewer) as client:
        foreign = {"L-FOREIGN": {"seq": seq}, "L-NONE": {"seq": seq}, "sys": {"seq": seq}}
        answer, frames = resume(client, foreign | {"L-OWN": {"seq": 0}})
        assert answer["streams"] == {
            "L-FOREIGN": not_recovered("forbidden"),
            "L-NONE": not_recovered("forbidden"),
            "sys": not_recovered("forbidden"),
            "L-OWN": recovered(0),
        }
        assert frames[-1]["positions"] == {"L-OWN": 0}
        assert "M.FOREIGN" not in str(client.seen)


def test_a_target_that_is_not_visible_is_refused_and_the_others_are_resumed(server, floor):
    fact = last_fact(server, floor.viewer)
    with server.client(floor.viewer) as client:
        answer, _ = resume(
            client,
            {"L-OWN": place(fact)},
            OWN,
            {"subscription_type": "line", "target_id": "L-FOREIGN"},
        )
        assert answer["streams"] == {"L-OWN": recovered(0)}
        error = client.expect("error")
        assert (error["code"], error["target_id"]) == ("INVALID_TARGET", "L-FOREIGN")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"epoch": "e", "positions": {"L-OWN": 3}, "subscriptions": [OWN]},
        {"epoch": "e", "positions": {}, "subscriptions": []},
    ],
)
def test_what_cannot_be_read_changes_nothing(server, floor, fields):
    with server.client(floor.viewer) as client:
        id_ = client.send("resume", **fields)
        assert client.expect("error", id=id_)["code"] == "RESUME_INVALID"
        client.subscribe("line", "L-OWN")


def test_resume_comes_before_any_subscription(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        client.send("resume", epoch=client.seen[0]["epoch"], positions={}, subscriptions=[OWN])
        assert client.expect("error")["code"] == "RESUME_INVALID"
        say(0)
        client.expect("equipment_state", seq=1)
