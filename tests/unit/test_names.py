"""Names of controllers are looked up within a deadline."""

import socket
import threading
import time

import pytest

from telemetry import names
from telemetry.drivers.base import LinkDown
from tests.live.thread import until

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 502))]


@pytest.fixture
def server_of_names(monkeypatch):
    """A resolver that answers when it is told to, and counts what it was asked."""

    class Resolver:
        def __init__(self):
            self.asked = []
            self.answer = threading.Event()

        def __call__(self, host, port, *, type, flags=0):  # noqa: A002 - as the system's own
            if flags & socket.AI_NUMERICHOST:
                return numeric(host, port, type=type, flags=flags)
            self.asked.append(host)
            assert self.answer.wait(20)
            if host.endswith(".invalid"):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return FOUND

    numeric = socket.getaddrinfo
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.answer.set()
    until(lambda: not names._running)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_is_not_looked_up(server_of_names, host):
    ((*_, address),) = names.looked_up(host, 502, 0.1)
    assert address[:2] == (host, 502)
    assert server_of_names.asked == []


def test_a_resolver_that_answers_nobody_costs_no_more_than_the_deadline(server_of_names):
    began = time.monotonic()
    with pytest.raises(
        LinkDown, match=r"^plc7:502 has a name that was not resolved within 0\.1 s\.$"
    ):
        names.looked_up("plc7", 502, 0.1)
    assert time.monotonic() - began < 5


def test_whoever_asks_meanwhile_waits_for_the_same_lookup(server_of_names):
    for _ in range(3):
        with pytest.raises(LinkDown):
            names.looked_up("plc7", 502, 0.05)
    assert server_of_names.asked == ["plc7"]
    threading.Timer(0.2, server_of_names.answer.set).start()
    assert names.looked_up("plc7", 502, 20) == FOUND
    assert server_of_names.asked == ["plc7"]


def test_what_was_found_is_looked_up_again(server_of_names):
    server_of_names.answer.set()
    for _ in range(2):
        assert names.looked_up("plc7", 502, 20) == FOUND
    assert server_of_names.asked == ["plc7", "plc7"]


def test_an_unknown_name_says_so(server_of_names):
    server_of_names.answer.set()
    with pytest.raises(LinkDown, match="has a name that cannot be resolved"):
        names.looked_up("plc7.invalid", 502, 20)


def test_what_can_be_no_name_says_so():
    with pytest.raises(LinkDown, match="has a name that cannot be resolved"):
        names.looked_up("a" * 300, 502, 20)


def test_no_more_lookups_run_than_are_allowed(server_of_names, monkeypatch):
    monkeypatch.setattr(names, "MOST", 2)
    for host in ("plc1", "plc2"):
        with pytest.raises(LinkDown, match="not resolved within"):
            names.looked_up(host, 502, 0.05)
    with pytest.raises(LinkDown, match="2 others are still being resolved"):
        names.looked_up("plc3", 502, 0.05)
    assert server_of_names.asked == ["plc1", "plc2"]
