"""The listening socket: what its connections inherit, and how several share a port."""

import socket
import sys
import time

import pytest

from ms5.web.listener import BACKLOG, PEER_SILENT_MS, SEND_BUFFER_BYTES, bind
from tests.server.serving import serving

linux = pytest.mark.skipif(sys.platform != "linux", reason="other kernels have not all of it")


def accepted_by(listener):
    """The server's and the client's end of a new connection."""
    listener.listen()
    client = socket.create_connection(listener.getsockname())
    return listener.accept()[0], client


@linux
def test_every_connection_inherits_the_time_limit_and_the_send_buffer():
    listening = bind("127.0.0.1", 0)
    (listener,) = listening.sockets
    assert listening.lacking == ()
    server, client = accepted_by(listener)
    with listener, server, client:
        option = server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert option == PEER_SILENT_MS == 20_000
        # Linux doubles what it is told.
        buffer = server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert buffer == 2 * SEND_BUFFER_BYTES == 131_072


@linux
def test_a_peer_that_reads_nothing_takes_no_more_than_the_buffer():
    (listener,) = bind("127.0.0.1", 0).sockets
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server, client = accepted_by(listener)
    with listener, server, client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.setblocking(False)
        taken = 0
        while True:
            try:
                taken += server.send(b"x" * 400)
            except BlockingIOError:
                # What is free again after the peer's kernel took some, it takes at once.
                time.sleep(0.05)
                try:
                    taken += server.send(b"x" * 400)
                except BlockingIOError:
                    break
        assert 16_384 < taken < 300_000


@linux
def test_two_processes_listen_on_one_port_and_the_one_that_closes_leaves_the_other():
    (first,) = bind("127.0.0.1", 0).sockets
    port = first.getsockname()[1]
    (second,) = bind("127.0.0.1", port).sockets
    first.listen(BACKLOG)
    with socket.create_connection(("127.0.0.1", port)) as client, first.accept()[0] as server:
        assert server.getpeername() == client.getsockname()
    # Bound but not listening, the second is given none.
    first.setblocking(False)
    second.listen(BACKLOG)
    second.setblocking(False)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    got = {"first": 0, "second": 0}
    for name, listener in (("first", first), ("second", second)):
        while True:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                break
            got[name] += 1
    assert sum(got.values()) == 60
    assert min(got.values()) > 0
    first.close()
    clients += [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    for _ in range(30):
        second.accept()[0].close()
    second.close()
    for client in clients:
        client.close()


def test_a_port_that_a_stranger_listens_on_is_refused():
    with (
        socket.create_server(("127.0.0.1", 0)) as stranger,
        pytest.raises(OSError, match="in use"),
    ):
        bind("127.0.0.1", stranger.getsockname()[1])


def test_a_name_is_bound_on_each_of_its_addresses_and_an_empty_one_on_all():
    listening = bind("localhost", 0)
    names = {one.getsockname()[0] for one in listening.sockets}
    assert "127.0.0.1" in names
    assert names <= {"127.0.0.1", "::1"}
    everywhere = bind("", 0)
    assert [one.getsockname()[0] for one in everywhere.sockets] == ["0.0.0.0"]  # noqa: S104 - looked at
    for one in listening.sockets + everywhere.sockets:
        one.close()


@linux
def test_the_kernel_frees_a_socket_whose_peer_never_reads():
    with serving(silent_ms=1_000) as server:
        handshake = (
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        with server.dial() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(handshake.encode())
            assert deaf.recv(12) == b"HTTP/1.1 101"
            deaf.sendall(b"\x81\x85\0\0\0\0flood")
            server.wait_for(connections=0)
        assert server.connections == 0
