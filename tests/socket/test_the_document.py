"""docs/protocol.md, followed to the letter: its transcript and its client, against a real server."""

import asyncio
import contextlib
import re
import time
from pathlib import Path

import pytest
from django.db import connections

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.events.log import renew
from production.actions import observe
from realtime.limits import Limits
from realtime.protocol import CloseCode
from tests import factories
from tests.factories import fault, observation
from tests.fold import as_set
from tests.socket.conftest import serving
from tests.transcript import Player

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


class Bagger:
    """The line of the document, its bagger, and the operator who watches them."""

    def __init__(self):
        line = factories.line(code="L-BAG1")
        self.machine = factories.equipment(line=line, code="BP01.PACK.BAG1")
        self.operator = factories.user(Role.OPERATOR, username="op17")

    def runs(self, seconds=0):
        observe([observation(self.machine, seconds, state="running")])

    def stops(self, seconds=1):
        observe([observation(self.machine, seconds, state="stopped")])

    def jams(self, seconds=3):
        jam = fault("Fault[31]", "Bag jam")
        observe([observation(self.machine, seconds, state="faulted", faults=(jam,))])


@pytest.fixture
def bagger(db):
    return Bagger()


def test_the_transcript_is_what_a_server_does(bagger):
    (transcript,) = blocks("transcript")
    with serving(Limits()) as server, contextlib.ExitStack() as clients:
        player = Player({})

        def connect():
            return clients.enter_context(server.client(bagger.operator))

        def breaks():
            clients.pop_all().close()

        def breaks_and_misses():
            breaks()
            bagger.runs(2)
            bagger.jams(3)

        def breaks_and_begins_anew():
            breaks()
            life, deadline = renew("a test of the document"), time.monotonic() + 10
            while server.hub.tail.epoch != life:  # the tail asks now and then
                assert time.monotonic() < deadline
                time.sleep(0.02)

        player.acts = {
            "The bagger runs.": bagger.runs,
            "A client connects.": connect,
            "The bagger stops.": bagger.stops,
            "The network breaks. The bagger runs again; then its bags jam.": breaks_and_misses,
            "The client connects again.": connect,
            "The network breaks. The log begins a new life.": breaks_and_begins_anew,
        }
        player.play(transcript.splitlines())
    assert [line[0] for line in player.said].count(">") == 3


@pytest.fixture
def connections_end_with_requests(monkeypatch):
    """The server of a test ends before its thread for requests does; that must not hold a connection."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.mark.usefixtures("connections_end_with_requests")
def test_the_client_of_the_document_is_never_wrong_for_long(bagger):
    (source,) = blocks("python")
    names = {"__name__": "a_client_of_the_document"}
    exec(compile(source, "docs/protocol.md", "exec"), names)  # noqa: S102 - a reader would run it, too
    _, key = issue(bagger.operator, "a stranger")
    bagger.runs()
    seen, shown = [], asyncio.Event()
    looked = 0

    async def until(wanted):
        """Wait until it was shown since what was waited for last, however soon something else followed."""
        nonlocal looked
        async with asyncio.timeout(20):
            while wanted not in seen[looked:]:
                shown.clear()
                await shown.wait()
        looked = seen.index(wanted, looked)

    def cut(hub):
        for connection in tuple(hub.connections):
            loop = connection.ended.get_loop()
            loop.call_soon_threadsafe(connection.end, CloseCode.RESTART, "a test")

    async def beside(work, *arguments):
        def run():
            try:
                work(*arguments)
            finally:
                connections.close_all()

        await asyncio.to_thread(run)

    async def scenario(server):
        boards = []

        def keep(board):
            states = sorted(item["data"].get("state", "fault") for item in board.items.values())
            seen.append((board.stale, states))
            boards.append(board)
            shown.set()

        following = asyncio.create_task(
            names["follow"](f"127.0.0.1:{server.port}", key, ["L-BAG1"], keep)
        )
        try:
            await until((False, ["running"]))
            await beside(bagger.stops)
            await until((False, ["stopped"]))
            await beside(cut, server.hub)
            await until((True, ["stopped"]))
            await beside(bagger.runs, 2)
            await beside(bagger.jams, 3)
            await until((False, ["fault", "faulted"]))
            await asyncio.sleep(
                0.7
            )  # two heartbeats: it has counted its facts as the server did
            assert not following.done()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return boards[-1]

    with serving(Limits(heartbeat_s=0.3)) as server:
        board = asyncio.run(scenario(server))
        with server.client(bagger.operator) as fresh:
            snapshot = fresh.subscribe("line", "L-BAG1")
    held = [
        {name: item[name] for name in ("type", "line_id", "equipment_code", "data")}
        for item in board.items.values()
    ]
    assert as_set(held) == as_set(snapshot["items"])
    assert {stream: at["seq"] for stream, at in board.positions.items()} == snapshot[
        "positions"
    ]
    assert (True, ["stopped"]) in seen
