"""No test reaches another machine, by any way."""

import socket

import pytest

from tests.conftest import BeyondLoopback


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80)),
    ],
)
def test_another_machine_is_out_of_reach(family, address):
    with socket.socket(family) as out, pytest.raises(BeyondLoopback):
        out.connect(address)
    with socket.socket(family, socket.SOCK_DGRAM) as out, pytest.raises(BeyondLoopback):
        out.sendto(b"hello", address)


def test_the_loopback_is_within_reach():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as out,
    ):
        assert out.getpeername() == server.getsockname()
