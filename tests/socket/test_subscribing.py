"""Subscribe, unsubscribe, ask: each message is answered as the contract says."""

from dataclasses import replace

import pytest
from django.utils import timezone

from production.actions import observe
from telemetry.models import Plc, PlcLink
from tests.factories import observation

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


def running(machine, seconds=0.0, **fields):
    observe([observation(machine, seconds, **fields)])


def test_the_first_message_says_who_what_and_how_much(server, floor):
    with server.client(floor.engineer) as client:
        first = client.receive()
    assert first["type"] == "connection_established"
    assert first["protocol"] == "ms5.v1"
    assert first["user"] == {"id": floor.engineer.pk, "name": "engineer"}
    assert first["limits"] == {
        "frame_bytes": 16384,
        "subscriptions": 200,
        "messages_per_second": 20,
        "resume_events": 2000,
        "positions": 256,
    }
    assert first["epoch"].startswith("e-")


def test_a_subscription_is_confirmed_then_shown_then_live(server, floor):
    running(floor.machine)
    with server.client(floor.viewer) as client:
        id_ = client.send("subscribe", subscription_type="line", target_id="L-OWN")
        confirmed = client.expect("subscription_confirmed")
        snapshot = client.receive()
        running(floor.machine, 1, state="stopped")
        fact = client.expect("equipment_state")
    assert confirmed["id"] == snapshot["id"] == id_
    assert confirmed["positions"] == snapshot["positions"] == {"L-OWN": 1}
    assert confirmed["already"] is False
    assert [(item["type"], item["data"]["state"]) for item in snapshot["items"]] == [
        ("equipment_state", "running")
    ]
    assert (fact["stream"], fact["seq"], fact["data"]["state"]) == ("L-OWN", 2, "stopped")


def test_a_second_subscription_to_the_same_target_is_no_second_one(server, floor):
    running(floor.machine)
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        id_ = client.send("subscribe", subscription_type="line", target_id="L-OWN")
        assert client.expect("subscription_confirmed", id=id_)["already"] is True
        assert len(client.expect("snapshot", id=id_)["items"]) == 1
        running(floor.machine, 1, state="stopped")
        client.expect("equipment_state")
        assert client.pong() == []
        client.send("get_subscriptions")
        assert len(client.expect("subscription_details")["subscriptions"]) == 1


def test_an_event_that_matches_several_subscriptions_comes_once(server, floor):
    with server.client(floor.engineer) as client:
        for type_, target in (
            ("line", "L-OWN"),
            ("line", "all"),
            ("equipment", "M.OWN"),
            ("production", "L-OWN"),
            ("production", "all"),
            ("event", "equipment_state"),
        ):
            client.subscribe(type_, target)
        for number in range(6):
            running(floor.machine, number, state="running" if number % 2 else "stopped")
        for _ in range(6):
            client.expect("equipment_state")
        assert client.pong() == []
        assert [fact["seq"] for fact in client.facts()] == [1, 2, 3, 4, 5, 6]


def test_unsubscribing_ends_it_and_says_whether_there_was_one(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        client.send("unsubscribe", subscription_type="line", target_id="L-OWN")
        assert client.expect("unsubscription_confirmed")["was_subscribed"] is True
        client.send("unsubscribe", subscription_type="line", target="L-OWN")
        assert client.expect("unsubscription_confirmed")["was_subscribed"] is False
        running(floor.machine)
        assert client.quiet(0.4) == []
        client.send("get_subscriptions")
        details = client.expect("subscription_details")
        assert (details["subscriptions"], details["positions"]) == ([], {})


def test_a_list_counts_as_one_message_and_each_wish_has_its_answer(server, floor):
    wishes = [
        {"subscription_type": "line", "target_id": "L-OWN"},
        {"subscription_type": "line", "target_id": "L-FOREIGN"},
        {"subscription_type": "equipment", "target": "M.OWN"},
        {"subscription_type": "nonsense", "target_id": "x"},
        {"subscription_type": "downtime"},
    ]
    with server.client(floor.viewer) as client:
        client.expect("connection_established")
        id_ = client.send("subscribe", subscriptions=wishes)
        client.pong()
        answers = [frame for frame in client.seen if frame.get("id") == id_]
        assert [answer["type"] for answer in answers] == [
            "subscription_confirmed",
            "snapshot",
            "error",
            "subscription_confirmed",
            "snapshot",
            "error",
            "error",
        ]
        assert [answer.get("code") for answer in answers if answer["type"] == "error"] == [
            "INVALID_TARGET",
            "UNKNOWN_SUBSCRIPTION_TYPE",
            "MISSING_TARGET_ID",
        ]


@pytest.mark.parametrize(
    ("type_", "foreign", "missing"),
    [
        ("line", "L-FOREIGN", "L-NONE"),
        ("equipment", "M.FOREIGN", "M.NONE"),
        ("downtime", "line:L-FOREIGN", "line:L-NONE"),
        ("downtime", "equipment:M.FOREIGN", "equipment:M.NONE"),
        ("production", "L-FOREIGN", "L-NONE"),
    ],
)
def test_what_is_not_mine_and_what_is_not_there_get_the_same_answer(
    server, floor, type_, foreign, missing
):
    with server.client(floor.viewer) as client:
        answers = []
        for target_id in (foreign, missing):
            client.send("subscribe", subscription_type=type_, target_id=target_id)
            answers.append(client.expect("error"))
        same = [(answer["code"], answer["message"]) for answer in answers]
        assert same[0] == same[1]
        assert same[0][0] == "INVALID_TARGET"


@pytest.mark.parametrize(("type_", "target_id"), [("job", "1"), ("escalation", "escalation:1")])
def test_an_id_that_names_no_line_is_confirmed_and_tells_nothing(
    server, floor, type_, target_id
):
    """Whether there is such a job, and where, cannot be learned from the answer."""
    with server.client(floor.viewer) as client:
        snapshot = client.subscribe(type_, target_id)
        assert (snapshot["items"], set(snapshot["positions"])) == ([], {"L-OWN", "plant"})


def test_all_is_all_that_i_may_see(server, floor):
    running(floor.machine)
    running(floor.foreign_machine)
    with server.client(floor.viewer) as viewer, server.client(floor.engineer) as engineer:
        own = viewer.subscribe("line", "all")
        everything = engineer.subscribe("line", "all")
        assert {item["line_id"] for item in own["items"]} == {"L-OWN"}
        assert set(own["positions"]) == {"L-OWN", "plant"}
        assert {item["line_id"] for item in everything["items"]} == {"L-OWN", "L-FOREIGN"}
        viewer.subscribe("event", "equipment_state")
        running(floor.foreign_machine, 1, state="stopped")
        running(floor.machine, 1, state="stopped")
        # The control: the foreign event was produced, and seen by someone permitted.
        assert engineer.expect("equipment_state", line_id="L-FOREIGN")
        assert viewer.expect("equipment_state")["line_id"] == "L-OWN"
        assert {fact["line_id"] for fact in viewer.facts()} == {"L-OWN"}


def test_codes_match_whole_and_never_by_prefix(server, floor):
    from tests import factories

    longer = factories.equipment(line=floor.own, code="M.OWN.BL")
    with server.client(floor.viewer) as client:
        client.subscribe("equipment", "M.OWN")
        running(longer)
        running(floor.machine)
        assert client.expect("equipment_state")["equipment_code"] == "M.OWN"
        assert [fact["equipment_code"] for fact in client.facts()] == ["M.OWN"]


def test_a_snapshot_that_cannot_be_read_is_said_and_costs_the_older_ones_nothing(server, floor):
    with server.client(floor.engineer) as client:
        client.subscribe("line", "L-OWN")
        (connection,) = server.hub.connections
        patient, connection.limits = connection.limits, replace(connection.limits, snapshot_s=0)
        id_ = client.send("subscribe", subscription_type="line", target_id="L-FOREIGN")
        error = client.expect("error", id=id_)
        assert (error["code"], error["retryable"]) == ("SERVER_BUSY", True)
        connection.limits = patient
        running(floor.machine)
        assert client.expect("equipment_state")["seq"] == 1
        client.send("get_subscriptions")
        details = client.expect("subscription_details")
        assert [entry["target_id"] for entry in details["subscriptions"]] == ["L-OWN"]
        client.subscribe("line", "L-FOREIGN")


def test_a_line_that_has_just_been_deleted_is_no_target(server, floor):
    from tests import factories

    short_lived = factories.line(code="L-SHORT")
    with server.client(floor.engineer) as client:
        client.receive()
        short_lived.delete()
        client.send("subscribe", subscription_type="line", target_id="L-SHORT")
        assert client.expect("error")["code"] == "INVALID_TARGET"
        assert not server.hub.interest.wants("L-SHORT")


def test_without_a_snapshot_it_begins_with_the_next_event(server, floor):
    running(floor.machine)
    with server.client(floor.viewer) as client:
        client.send("subscribe", subscription_type="line", target_id="L-OWN", snapshot=False)
        confirmed = client.expect("subscription_confirmed")
        assert confirmed["positions"] == {"L-OWN": 1}
        running(floor.machine, 1, state="stopped")
        assert client.expect("equipment_state")["seq"] == 2
        assert "snapshot" not in client.types()


def test_a_ping_brings_back_what_it_carried(server, floor):
    with server.client(floor.viewer) as client:
        client.send("ping", t={"sent": 1.5, "n": [None, True, "ü"]})
        pong = client.expect("pong")
        assert pong["t"] == {"sent": 1.5, "n": [None, True, "ü"]}
        assert pong["server_time"].endswith("Z")


def test_a_connection_knows_its_own_figures_and_operations_those_of_the_process(server, floor):
    with server.client(floor.viewer) as client, server.client(floor.engineer) as engineer:
        client.subscribe("line", "L-OWN")
        engineer.subscribe("line", "L-OWN")
        running(floor.machine)
        client.expect("equipment_state")
        engineer.expect("equipment_state")
        client.send("get_stats")
        stats = client.expect("connection_stats")
        assert (stats["subscriptions"], stats["facts_sent"]) == (1, 1)
        assert stats["sent"] >= 4
        assert stats["bytes"] > 400
        assert "process" not in stats
        engineer.send("get_stats")
        process = engineer.expect("connection_stats")["process"]
        assert (process["connections"], process["groups"]) == (2, 1)
        assert (process["events"], process["deliveries"]) == (1, 2)


def test_resume_and_auth_are_refused_with_a_reason_and_the_connection_goes_on(server, floor):
    with server.client(floor.viewer) as client:
        client.send("resume", epoch="e-1", positions={}, subscriptions=[])
        assert client.expect("error")["code"] == "RESUME_INVALID"
        client.send("auth", ticket="t")
        assert client.expect("error")["code"] == "AUTH_FAILED"
        assert client.pong() == []


def test_the_heartbeat_comes_whatever_else_is_sent_and_counts_the_facts(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        for number in range(4):
            running(floor.machine, number, state="running" if number % 2 else "stopped")
        beat = client.expect("heartbeat", facts_sent=4)
        assert beat["positions"] == {"L-OWN": 4}
        assert len(client.facts()) == 4
        fresh = client.expect("heartbeat")["freshness"]
        assert set(fresh) <= {"L-OWN"}
        assert isinstance(beat["degraded"], list)


def test_a_controller_that_serves_no_line_stands_on_the_plant(server, floor):
    plc = Plc.objects.create(code="lone", name="Lone", protocol="logix", host="127.0.0.1")
    PlcLink.objects.create(plc=plc, status="lost", since=timezone.now(), error="no answer")
    with server.client(floor.viewer) as client:
        (item,) = client.subscribe("line", "all")["items"]
        assert (item["type"], item["line_id"]) == ("plc_status", None)
        assert (item["data"]["plc"], item["data"]["equipment_codes"]) == ("lone", [])
        assert client.subscribe("line", "L-OWN")["items"] == []
