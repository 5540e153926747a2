"""Coming back while the log moves: what is written, restored or asked for at the same time."""

import threading

import pytest
from django.db import connections

from ms5.events.log import append, recording, renew
from ms5.events.models import Event, Stream
from production.actions import observe
from tests.factories import at, observation
from tests.floor import state_fact
from tests.fold import as_set, fold
from tests.socket.test_delivery import STATES, in_thread, say
from tests.socket.test_resume import OWN, last_fact, not_recovered, place, resume

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


def test_coming_back_again_and_again_while_facts_pour_in_leaves_no_gap(server, floor):
    """Every connection ends at any moment; what was applied at the end is one dense row."""
    ended = threading.Event()

    def pour():
        number = 0
        while not ended.is_set():
            observe([observation(floor.machine, number, state=STATES[number % 4])])
            number += 1

    observe([observation(floor.machine, -1, state="running")])
    with server.client(floor.viewer) as client:
        first = client.subscribe("line", "L-OWN")
        at_ = {"seq": first["positions"]["L-OWN"]}
    applied, items = [], first["items"]
    writer = in_thread(pour)
    try:
        for round_ in range(12):
            with server.client(floor.viewer) as client:
                answer, _ = resume(client, {"L-OWN": at_})
                assert answer["streams"]["L-OWN"]["recovered"] is True
                for _ in range(round_ % 4):
                    client.expect("equipment_state")
                facts = client.facts()
            applied += [fact["seq"] for fact in facts]
            items = fold(items, facts)
            if facts:
                at_ = place(facts[-1])
    finally:
        ended.set()
        writer.join()
    with server.client(floor.viewer) as client:
        resume(client, {"L-OWN": at_})
        client.quiet(0.5)
        applied += [fact["seq"] for fact in client.facts()]
        items = fold(items, client.facts())
    with server.client(floor.viewer) as client:
        fresh = client.subscribe("line", "L-OWN")
    begun = first["positions"]["L-OWN"]
    assert applied == list(range(begun + 1, fresh["positions"]["L-OWN"] + 1))
    assert as_set(items) == as_set(fresh["items"])


def test_a_backup_restored_under_running_clients_is_noticed(server, floor):
    """The log goes back and then gives the same positions to other facts."""
    fact = last_fact(server, floor.viewer)
    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        Event.objects.filter(stream__name="L-OWN", seq__gt=1).delete()
        Stream.objects.filter(name="L-OWN").update(head=1)
        assert client.closed_with() == 4510
    for number in range(5):
        say(number, state="blocked")
    with server.client(floor.viewer) as client:
        answer, _ = resume(client, {"L-OWN": place(fact)})
        assert answer["streams"] == {"L-OWN": not_recovered("diverged")}
    renew("the backup was restored")


def test_those_who_come_back_together_share_one_replay(server, floor):
    fact = last_fact(server, floor.viewer)
    say(3, times=20)
    clients = [server.client(floor.viewer) for _ in range(8)]
    try:
        for client in clients:
            client.__enter__()
            client.receive()
        before = server.hub.totals()
        for client in clients:
            client.send(
                "resume",
                epoch=client.seen[0]["epoch"],
                positions={"L-OWN": place(fact)},
                subscriptions=[OWN],
            )
        for client in clients:
            client.expect("live")
            assert len(client.facts()) == 20
        after = server.hub.totals()
        assert after.replays_read - before.replays_read <= 4
        assert after.pictures_read - before.pictures_read <= 4
        assert after.cohorts == 1
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def test_a_slow_writer_cannot_slip_between_replay_and_live(server, floor):
    """A fact that commits while the replay is read comes once: in the replay or after `live`."""
    fact = last_fact(server, floor.viewer)

    def write():
        for number in range(60):
            with recording():
                append(
                    "equipment_state",
                    state_fact("M.OWN", STATES[number % 4]),
                    occurred_at=at(number),
                    line_id="L-OWN",
                    equipment_code="M.OWN",
                )
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    held = []
    for _ in range(6):
        with server.client(floor.viewer) as client:
            resume(client, {"L-OWN": place(fact)})
            client.pong()
            held.append([one["seq"] for one in client.facts()])
    writer.join()
    for got in held:
        assert got == list(range(4, 4 + len(got)))
