"""A client that follows the rules is whole again after whatever happens to its connection."""

import asyncio
import json
import threading
from contextlib import contextmanager
from itertools import count

import pytest
from django.db import connections
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from ms5.accounts.keys import issue
from ms5.events.models import Event, Log, Stream
from production.actions import observe
from realtime.protocol import CloseCode
from tests.factories import equipment, fault, line, observation
from tests.fold import as_set
from tests.live import LiveClient, running, until
from tests.socket.test_delivery import in_thread, say, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

OWN = {"subscription_type": "line", "target_id": "L-OWN"}
ALL = {"subscription_type": "line", "target_id": "all"}
NOBODY = "ws://127.0.0.1:1/ws/production"
STATES = ("running", "stopped", "starved", "blocked")


def client_of(user, url, *subscriptions, **options):
    _, key = issue(user, "of a test")
    headers = {"Authorization": f"Token {key}"}
    return LiveClient([url], headers, subscriptions or [OWN], seed=7, **options)


def log_of(stream="L-OWN"):
    rows = Event.objects.filter(stream__name=stream).order_by("seq")
    return [(seq, str(event_id)) for seq, event_id in rows.values_list("seq", "event_id")]


def cut(server, code=CloseCode.RESTART):
    """Close every connection, as a server that goes down does; return how many."""
    hub = server.hub
    there = tuple(hub.connections)
    for connection in there:
        connection.ended.get_loop().call_soon_threadsafe(connection.end, code, "of a test")
    return len(there)


@contextmanager
def away(client, server):
    """Keep the client from coming back until the block ends."""
    there = list(client.urls)
    client.urls[:] = [NOBODY]
    lost = len(client.closes)
    cut(server)
    until(lambda: len(client.closes) > lost)
    yield
    connects = client.connects
    client.urls[:] = there
    until(lambda: client.connects > connects and client.is_live, 30)


def fresh_items(server, user, *targets):
    with server.client(user) as other:
        return [item for target in targets for item in other.subscribe(*target)["items"]]


@pytest.mark.parametrize("protocols", [("ms5.v1+batch", "ms5.v1"), ("ms5.v1",), ()])
def test_it_holds_what_the_log_holds(server, floor, protocols):
    with running(client_of(floor.viewer, server.url, protocols=protocols)) as client:
        say(1, times=300)
        tell(41)
        tell(42)
        until(lambda: len(client.facts.get("L-OWN", ())) == 300)
        until(lambda: ("L-OWN", "production:L-OWN") in client.gauges)
        until(lambda: client.gauges["L-OWN", "production:L-OWN"][1]["good"] == 42)
        assert client.facts == {"L-OWN": log_of()}
        assert client.types.total() >= 303
        if "ms5.v1+batch" in protocols:
            assert client.frames < 100
        else:
            assert client.frames == client.types.total()
    assert (client.gaps, client.duplicates, client.incomplete) == ([], 0, 0)


def test_it_comes_back_again_and_again_while_facts_pour_in_and_misses_none(server, floor):
    ended = threading.Event()

    def pour():
        number = count()
        while not ended.is_set():
            for _ in range(5):
                moment = next(number)
                observe([observation(floor.machine, moment, state=STATES[moment % 4])])
            # The longest pause before it comes back is half a minute: fewer than are replayed at most.
            ended.wait(0.1)

    with running(client_of(floor.viewer, server.url)) as client:
        writer = in_thread(pour)
        try:
            for number in range(8):
                until(_grew(client))
                assert cut(server, CloseCode.RESTART if number % 2 else CloseCode.TOO_SLOW) == 1
                until(lambda lost=number: len(client.closes) > lost and client.is_live, 30)
        finally:
            ended.set()
            writer.join()
        until(lambda: len(client.facts["L-OWN"]) == Stream.objects.get(name="L-OWN").head)
        assert client.facts["L-OWN"] == log_of()
        assert client.resumes == client.reconnects == 8
        assert client.closes == [4508, 1012] * 4
        fresh = fresh_items(server, floor.viewer, ("line", "L-OWN"))
        assert as_set(client.items) == as_set(fresh)
    assert (client.gaps, client.duplicates, client.incomplete) == ([], 0, 0)


def _grew(client):
    held = len(client.facts.get("L-OWN", ()))
    return lambda: len(client.facts.get("L-OWN", ())) > held + 3


def test_what_happened_while_it_was_away_is_replayed(server, floor):
    with running(client_of(floor.engineer, server.url, ALL)) as client:
        observe([observation(floor.machine, 1, state="running")])
        until(lambda: len(client.facts.get("L-OWN", ())) == 1)
        with away(client, server):
            observe([observation(floor.machine, 2, state="faulted", faults=(fault(),))])
            observe([observation(floor.foreign_machine, 2, state="stopped")])
            tell(7)
        assert client.facts == {"L-OWN": log_of(), "L-FOREIGN": log_of("L-FOREIGN")}
        assert client.gauges["L-OWN", "production:L-OWN"][1]["good"] == 7
        fresh = fresh_items(server, floor.engineer, ("line", "all"))
        assert as_set(client.items) == as_set(fresh)
        assert [item["type"] for item in client.items].count("equipment_fault") == 1
    assert (client.gaps, client.resumes) == ([], 1)


def test_what_is_not_kept_any_more_is_announced_and_the_snapshot_taken(server, floor):
    with running(client_of(floor.viewer, server.url)) as client:
        observe([observation(floor.machine, 1, state="running")])
        until(lambda: len(client.facts.get("L-OWN", ())) == 1)
        with away(client, server):
            for number in range(2, 12):
                observe([observation(floor.machine, number, state=STATES[number % 4])])
            Event.objects.filter(stream__name="L-OWN", seq__lte=8).delete()
            Stream.objects.filter(name="L-OWN").update(tail=9)
        head = Stream.objects.get(name="L-OWN").head
        assert head >= 11
        assert client.gaps == [("L-OWN", 1, head, "retention")]
        assert client.rules.positions == {"L-OWN": {"seq": head, "event_id": None}}
        fresh = fresh_items(server, floor.viewer, ("line", "L-OWN"))
        assert as_set(client.items) == as_set(fresh)
        assert client.items[0]["data"]["state"] == STATES[11 % 4]


def test_in_another_life_of_the_log_it_begins_again_and_says_so(server, floor):
    with running(client_of(floor.viewer, server.url)) as client:
        observe([observation(floor.machine, 1, state="running")])
        until(lambda: len(client.facts.get("L-OWN", ())) == 1)
        with away(client, server):
            Log.objects.update(epoch="e-another")
            until(lambda: server.hub.tail.epoch == "e-another")
            say(2, state="stopped")
        assert client.gaps == [("L-OWN", 1, None, "epoch")]
        assert client.rules.epoch == "e-another"
        say(3, state="blocked")
        until(lambda: client.facts["L-OWN"][-1][0] == 3)


def test_a_message_that_is_swallowed_on_the_way_is_noticed_and_sent_again(server, floor):
    with swallowing(server.url, lambda message: message.get("seq") == 3) as url:
        client = client_of(floor.viewer, url, protocols=("ms5.v1",))
        with running(client):
            for number in range(5):
                say(number, state=STATES[number % 4])
            until(lambda: client.incomplete == 1)
            until(lambda: client.is_live and len(client.facts.get("L-OWN", ())) == 5, 30)
            assert client.facts["L-OWN"] == log_of()
            assert client.resumes == 1
    assert client.gaps == []


def test_a_line_that_is_taken_away_vanishes_and_nothing_of_it_is_heard(server, floor):
    later = line(code="L-LATER")
    machine = equipment(line=later, code="M.LATER")
    access = floor.viewer.line_access.create(line=later)
    with running(client_of(floor.viewer, server.url, ALL, forbidden=["a secret"])) as client:
        observe([observation(floor.machine, 1), observation(machine, 1)])
        until(lambda: len(client.items) == 2)
        access.delete()
        until(lambda: len(client.items) == 1)
        observe([observation(machine, 2, state="faulted", faults=(fault(text="a secret"),))])
        observe([observation(floor.machine, 2, state="stopped")])
        until(lambda: len(client.facts["L-OWN"]) == 2)
        assert client.items[0]["line_id"] == "L-OWN"
        assert list(client.rules.positions) == ["L-OWN", "plant"]
        with away(client, server):
            say(3)
        assert client.facts["L-OWN"] == log_of()
    assert (client.gaps, client.foreign) == ([], [])


def test_a_client_of_a_revoked_token_stops_and_says_why(server, floor):
    token, key = issue(floor.viewer, "of a test")
    client = LiveClient([server.url], {"Authorization": f"Token {key}"}, [OWN])
    with running(client):
        token.delete()
        until(lambda: client.ended is not None)
    assert client.closes == [4401]
    assert client.ended.action == "login"


@contextmanager
def swallowing(url, swallowed):
    """Relay between a client and the server at `url`; lose the first message of which `swallowed` is true."""
    ready = threading.Event()
    address, stop, lost = [], [], []

    async def relay(near):
        headers = {"Authorization": near.request.headers["Authorization"]}
        async with connect(
            url, additional_headers=headers, subprotocols=["ms5.v1"], proxy=None
        ) as far:

            async def up():
                async for text in near:
                    await far.send(text)
                await far.close()

            task = asyncio.create_task(up())
            try:
                async for text in far:
                    if not lost and swallowed(json.loads(text)):
                        lost.append(text)
                    else:
                        await near.send(text)
            except ConnectionClosed:
                pass
            finally:
                task.cancel()

    async def main():
        stop.extend((asyncio.get_running_loop(), asyncio.Event()))
        async with serve(relay, "127.0.0.1", 0, subprotocols=["ms5.v1"]) as listening:
            address.append(listening.sockets[0].getsockname()[1])
            ready.set()
            await stop[1].wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"ws://127.0.0.1:{address[0]}/"
    finally:
        stop[0].call_soon_threadsafe(stop[1].set)
        thread.join(10)
        assert not thread.is_alive()
        connections.close_all()
        assert len(lost) == 1
