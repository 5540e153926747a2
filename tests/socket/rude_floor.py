"""What the tests of bad input share: limits that are out of the way, a witness, and what is left behind."""

import asyncio
import logging
import threading
import time
from contextlib import contextmanager

from ms5.accounts.keys import issue
from realtime.limits import Limits
from tests.socket.test_delivery import in_thread, say

MANY = 10**9


def lifted(**given) -> Limits:
    """Return limits under which a client may come and speak as often as it likes."""
    away = {
        "messages_per_second": MANY,
        "burst": MANY,
        "malformed_per_minute": MANY,
        "refusals_per_minute": MANY,
        "connections_per_user": MANY,
        "connections_per_address": MANY,
        "handshakes_per_second": MANY,
        "handshake_burst": MANY,
    }
    return Limits(**{"heartbeat_s": 0.5} | away | given)


class _Kept(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@contextmanager
def logged():
    """Yield the records logged within the block, those of the server included.

    caplog would be blind: making the ASGI application configures the log anew, and takes its handler away.
    """
    kept = _Kept()
    # A server that was configured without ours keeps uvicorn's records to itself.
    loggers = [logging.getLogger(), logging.getLogger("uvicorn")]
    loggers = [each for each in loggers if each.parent is None or not each.propagate]
    for each in loggers:
        each.addHandler(kept)
    try:
        yield kept.records
    finally:
        for each in loggers:
            each.removeHandler(kept)


@contextmanager
def no_mistake():
    """Demand that the block logs no traceback, and nothing from ERROR on."""
    with logged() as records:
        yield
    wrong = [line for line in records if line.levelno >= logging.ERROR or line.exc_info]
    assert [line.getMessage() for line in wrong] == []


def key_of(user) -> str:
    """Return a token of the user."""
    _, key = issue(user, "of a rude client")
    return key


def tasks_of(server) -> list[str]:
    """Return the names of the tasks of connections that live on the server's loop, once it is asked."""

    async def names():
        return [task.get_name() for task in asyncio.all_tasks() if "c_" in task.get_name()]

    return asyncio.run_coroutine_threadsafe(names(), server.hub._loop).result(5)


def nothing_is_left(server, within_s=10.0) -> None:
    """Return once the hub has no connection, no group, no interest and no task of a connection."""
    deadline = time.monotonic() + within_s
    while True:
        hub = server.hub
        left = (
            len(hub.connections),
            hub.totals().groups,
            hub.interest.wants("L-OWN"),
            tasks_of(server),
        )
        if left == (0, 0, False, []):
            return
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


@contextmanager
def witness(server, user, pause_s=0.05):
    """Let a well-behaved client hear a fact after the other while the block runs; yield how many it has heard.

    When the block ends, each fact said was heard once and in order, or the test fails.
    """
    over, heard, wrong = threading.Event(), [], []

    def listen():
        try:
            with server.client(user) as client:
                client.subscribe("line", "L-OWN")
                number = 0
                while not over.is_set():
                    number += 1
                    say(number)
                    heard.append(client.expect("equipment_state", within_s=30)["seq"])
                    over.wait(pause_s)
        except BaseException as failure:  # noqa: BLE001 - told below, in the thread of the test
            wrong.append(failure)

    thread = in_thread(listen)
    try:
        while not heard and thread.is_alive():
            time.sleep(0.01)
        yield heard
    finally:
        over.set()
        thread.join(60)
    assert not thread.is_alive()
    assert wrong == []
    assert heard == list(range(heard[0], heard[0] + len(heard)))


def hears_on(heard, facts=3, within_s=20.0) -> None:
    """Return once the witness has heard so many facts more."""
    count, deadline = len(heard) + facts, time.monotonic() + within_s
    while len(heard) < count:
        assert time.monotonic() < deadline, heard
        time.sleep(0.01)
