"""What a peer may take of the web server at the level of HTTP and of frames."""

import time
import urllib.request

import pytest
from websockets.sync.client import connect

from ms5.web.bounded import BODY_BYTES, FRAGMENTS, HEAD_BYTES
from tests.server.serving import Impatient, serving

UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture
def server():
    with serving(Impatient) as running:
        yield running


def to_the_end(peer):
    """All that comes until the server closes."""
    got = b""
    try:
        while piece := peer.recv(65_536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def drip(peer, text):
    """Send a byte now and then until the server has had enough; how many it took."""
    for number, byte in enumerate(text):
        try:
            peer.sendall(bytes([byte]))
        except OSError:
            return number
        time.sleep(0.02)
    return len(text)


def masked(opcode, payload, *, last=True):
    return bytes([(0x80 if last else 0) | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def test_a_connection_that_says_nothing_is_closed_without_a_word(server):
    with server.dial() as peer:
        assert to_the_end(peer) == b""
        server.wait_for(connections=0)


def test_a_handshake_byte_by_byte_is_ended_with_408(server):
    with server.dial() as peer:
        assert drip(peer, UPGRADE) < len(UPGRADE)
        assert to_the_end(peer).startswith(b"HTTP/1.1 408 ")
        server.wait_for(connections=0)


def test_half_a_handshake_and_then_silence_is_ended_too(server):
    with server.dial() as peer:
        peer.sendall(UPGRADE[:-2])
        assert to_the_end(peer).startswith(b"HTTP/1.1 408 ")


def test_blank_lines_and_a_second_request_are_no_way_around_it(server):
    with server.dial() as peer:
        assert drip(peer, b"\r\n" * 200) < 400
    with server.dial() as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert peer.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert drip(peer, UPGRADE) < len(UPGRADE)
        assert b"HTTP/1.1 408 " in to_the_end(peer)


def test_a_body_byte_by_byte_is_ended(server):
    with server.dial() as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n")
        assert drip(peer, b"x" * 900) < 900
        assert to_the_end(peer).startswith(b"HTTP/1.1 408 ")
        server.wait_for(connections=0)


def test_a_head_or_a_body_without_end_is_refused():
    with serving() as server:
        with server.dial() as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nx: " + b"x" * (HEAD_BYTES + 1))
            assert to_the_end(peer).startswith(b"HTTP/1.1 431 ")
        with server.dial() as peer:
            peer.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
            sent = 0
            try:
                while sent < 2 * BODY_BYTES:
                    peer.sendall(piece)
                    sent += len(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            # Beyond the limit there is what the buffers of both ends hold.
            assert sent < 2 * BODY_BYTES
        server.wait_for(connections=0)


def test_what_is_within_the_bounds_is_served(server):
    def ask(body=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", body, 10) as answer:
            assert "server" not in answer.headers
            return int(answer.read())

    assert ask() == 0
    assert ask(b"x" * 1_000_000) == 1_000_000
    with (
        server.dial() as peer
    ):  # one after the other on one connection, later than one deadline
        for _ in range(3):
            peer.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200 OK" in peer.recv(65_536)
            time.sleep(0.3)


def test_a_socket_outlives_the_deadline_of_its_handshake(server):
    with connect(f"ws://127.0.0.1:{server.port}/", proxy=None) as client:
        time.sleep(1.2)
        client.send("still here")
        assert client.recv(timeout=5) == "still here"


def test_pings_without_reading_leave_no_pile_of_pongs(server):
    from ms5.web.bounded import BoundedSocket

    with server.dial() as peer:
        peer.sendall(UPGRADE)
        assert peer.recv(65_536).startswith(b"HTTP/1.1 101 ")
        (socket_,) = server._server.server_state.connections
        assert isinstance(socket_, BoundedSocket)
        burst = masked(9, b"p" * 100) * 1000
        for _ in range(100):  # 10 MB of pings, 10 MB of pongs
            peer.sendall(burst)
        assert socket_.transport.get_write_buffer_size() < 1_000_000
        got = b""
        while len(got) < 100_000:
            got += peer.recv(65_536)
        assert got.startswith(b"\x8a\x64" + b"p" * 100)


def test_fragments_without_end_close_with_1009(server):
    with server.dial() as peer:
        peer.sendall(UPGRADE)
        assert peer.recv(65_536).startswith(b"HTTP/1.1 101 ")
        peer.sendall(masked(1, b"", last=False) + masked(0, b"", last=False) * FRAGMENTS)
        assert to_the_end(peer)[2:4] == (1009).to_bytes(2)
        server.wait_for(connections=0)
    with connect(f"ws://127.0.0.1:{server.port}/", proxy=None, compression=None) as client:
        client.send(["x"] * FRAGMENTS)
        assert client.recv(timeout=5) == "x" * FRAGMENTS
