"""Bytes that are no WebSocket: each is answered with the close of RFC 6455, and nobody else notices."""

import subprocess
import sys
from contextlib import ExitStack, suppress

import pytest

from ms5.demo.ports import free_port
from tests import other_process
from tests.figures import record
from tests.rude import Ended, Opcode, Rude, close, frame, handshake, resident_bytes, text
from tests.socket.conftest import serving
from tests.socket.rude_floor import (
    hears_on,
    key_of,
    lifted,
    no_mistake,
    nothing_is_left,
    witness,
)
from tests.socket.test_servers import listening

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION
PING = b'{"type":"ping"}'
MB = 2**20
# What is sent after a good handshake, and the code of the close that follows; None: an end without one.
BAD: dict[str, tuple[bytes, int]] = {
    "not masked": (frame(TEXT, PING, mask=None), 1002),
    "a ping that is not masked": (frame(Opcode.PING, mask=None), 1002),
    **{f"reserved bit {bit}": (frame(TEXT, PING, rsv=bit), 1002) for bit in (1, 2, 4, 7)},
    **{f"reserved opcode {code}": (frame(code), 1002) for code in (3, 4, 5, 6, 7)},
    **{f"reserved opcode {code}": (frame(code), 1002) for code in (11, 12, 13, 14, 15)},
    "a ping in pieces": (frame(Opcode.PING, fin=False), 1002),
    "a pong in pieces": (frame(Opcode.PONG, fin=False), 1002),
    "a close in pieces": (frame(Opcode.CLOSE, fin=False), 1002),
    "a ping of 126 bytes": (frame(Opcode.PING, bytes(126)), 1002),
    "a close of 126 bytes": (close(1000, b"x" * 124), 1002),
    "a piece of nothing": (frame(CONTINUATION, PING), 1002),
    "a second message within the first": (frame(TEXT, b"{", fin=False) + text(PING), 1002),
    "a close within a message": (frame(TEXT, b"{", fin=False) + close(1000), 1002),
    "a close of one byte": (frame(Opcode.CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015)},
    **{f"close code {code}": (close(code), 1002) for code in (1016, 2999, 5000, 65_535)},
    "a close whose reason is no UTF-8": (close(1000, b"\xff"), 1007),
    "bytes": (frame(BINARY, PING), 1003),
    "no bytes": (frame(BINARY), 1003),
    "bytes in pieces": (frame(BINARY, b"{", fin=False) + frame(CONTINUATION, b"}"), 1003),
    "one byte that is no UTF-8": (text(b"\xff"), 1007),
    "text that ends within a character": (text("{é".encode()[:-1]), 1007),
    "no UTF-8 in the second piece": (
        frame(TEXT, b'{"', fin=False) + frame(CONTINUATION, b"\xc3"),
        1007,
    ),
    "65,537 bytes": (text(b"x" * 65_537), 1009),
    "17 MB, of which nothing comes": (frame(TEXT, announced=17 * MB), 1009),
    "17 MB of bytes, of which nothing comes": (frame(BINARY, announced=17 * MB), 1009),
    "2 to the 63, of which nothing comes": (frame(TEXT, announced=2**63), 1009),
    "all the bits of a length": (frame(TEXT, announced=2**64 - 1), 1009),
    "65,537 bytes in pieces": (
        frame(TEXT, b"x" * 65_536, fin=False) + frame(CONTINUATION, b"x"),
        1009,
    ),
    "65,600 bytes in a thousand pieces": (
        frame(TEXT, b"x" * 64, fin=False) + frame(CONTINUATION, b"x" * 64, fin=False) * 1_024,
        1009,
    ),
    "a goodbye": (close(1000, b"bye"), 1000),
    "going away": (close(1001), 1001),
    "a code of an application": (close(4_999), 4_999),
    "a close without a code": (close(None), 1005),
}
NO_HTTP = {
    "nothing of HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    + bytes(200)
    + b"\r\n\r\n",
    "a frame at once": text(PING) + b"\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "no version": b"GET /ws/production\r\n\r\n",
    "a header of 200 kB": b"GET /ws/production HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
}


def test_each_bad_frame_is_answered_with_its_close_and_the_others_hear_on(floor):
    key, found = key_of(floor.viewer), {}
    with (
        serving(lifted()) as server,
        no_mistake(),
        witness(server, floor.viewer) as heard,
    ):
        for name, (sent, _) in BAD.items():
            with Rude(server.port).open(key) as rude:
                rude.expect("connection_established")
                rude.send(sent)
                found[name] = rude.ended_with()
        hears_on(heard)
    assert found == {name: code for name, (_, code) in BAD.items()}
    record("raw bad frames", len(found), tracebacks=0)


def test_frames_that_are_odd_and_right_are_answered(floor):
    whole = '{"type":"ping","t":"é"}'.encode()
    cut = whole.index(b"\xc3") + 1
    pieces = [frame(TEXT, whole[:cut], fin=False), frame(CONTINUATION, whole[cut:])]
    with (
        serving(lifted()) as server,
        Rude(server.port).open(key_of(floor.viewer)) as rude,
    ):
        rude.send(b"".join(pieces))
        assert rude.expect("pong")["t"] == "é"
        rude.send(pieces[0] + frame(Opcode.PING, b"in between"))
        while (came := rude.next_frame())[0] != Opcode.PONG:
            continue
        assert came == (Opcode.PONG, b"in between")
        rude.send(pieces[1] + frame(Opcode.PONG, b"nobody asked"))
        assert rude.expect("pong")["t"] == "é"
        first, *middle, last = [whole[place : place + 1] for place in range(len(whole))]
        rude.send(frame(TEXT, first, fin=False))
        rude.send(b"".join(frame(CONTINUATION, letter, fin=False) for letter in middle))
        rude.send(frame(CONTINUATION, last))
        assert rude.expect("pong")["t"] == "é"
        rude.send(frame(TEXT, whole, mask=b"\x01\xfe\x80\x7f"))
        assert rude.expect("pong")["t"] == "é"
        for byte in text(whole):
            rude.send(bytes([byte]))
        assert rude.expect("pong")["t"] == "é"


def test_pieces_that_never_end_cost_no_more_than_a_message(floor):
    """A hundred clients each begin a message and send a thousand pieces of it; some send empty ones."""
    key, pieces = key_of(floor.viewer), frame(CONTINUATION, b"x" * 60, fin=False) * 1_000
    with serving(lifted()) as server:
        with witness(server, floor.viewer), ExitStack() as stack:
            clients = [stack.enter_context(Rude(server.port).open(key)) for _ in range(100)]
            before = resident_bytes()
            for rude in clients:
                rude.send(frame(TEXT, b'{"', fin=False) + pieces)
            for rude in clients:
                rude.send(frame(Opcode.PING, b"there?"))
                while rude.next_frame()[0] != Opcode.PONG:
                    continue
            nothing = frame(CONTINUATION, fin=False)
            for rude in clients[:10]:
                with suppress(ConnectionError):  # it is cut off while it still sends
                    rude.send(nothing * 100_000)
                assert rude.ended_with() in {1009, None}
            assert resident_bytes() - before < 50 * MB
        nothing_is_left(server)


def test_a_flood_of_pings_is_answered_or_ended_and_costs_others_nothing(floor):
    key = key_of(floor.viewer)
    with (
        serving(lifted()) as server,
        no_mistake(),
        witness(server, floor.viewer) as heard,
    ):
        before = resident_bytes()
        with Rude(server.port).open(key) as rude:
            rude.send(frame(Opcode.PING, bytes(125)) * 10_000)
            rude.say("ping", id=1)
            # Those that came while nobody read are not answered: they would pile up.
            answered = 0
            while (came := rude.next_frame())[0] != Opcode.TEXT or b'"pong"' not in came[1]:
                answered += came[0] == Opcode.PONG
        assert resident_bytes() - before < 50 * MB
        hears_on(heard)
    assert 1 <= answered <= 10_000


def test_a_close_that_nobody_waits_for_leaves_nothing(floor):
    key = key_of(floor.viewer)
    with serving(lifted()) as server:
        for number in range(60):
            rude = Rude(server.port, receive_buffer=4096).open(key)
            rude.say("subscribe", subscription_type="line", target_id="L-OWN")
            match number % 3:
                case 0:
                    rude.send(close(1000))
                    rude.reset()
                case 1:
                    rude.reset()
                case _:
                    rude.send(close(1000) + text(PING) * 10)
                    rude.socket.close()
        nothing_is_left(server)


def test_what_is_no_http_is_refused_and_the_server_lives(floor):
    found = {}
    with (
        serving(lifted()) as server,
        no_mistake(),
        witness(server, floor.viewer),
    ):
        for name, sent in NO_HTTP.items():
            with Rude(server.port) as rude:
                with suppress(ConnectionError):
                    rude.send(sent)
                try:
                    found[name] = rude.answer()[:10]
                except Ended as ended:
                    found[name] = ended.code
    assert set(found.values()) <= {b"HTTP/1.1 4", None}, found
    assert len(found) == len(NO_HTTP)


def test_half_a_handshake_holds_nobody_up(floor):
    """Some stop in the middle of their request, some send a byte a moment; others come in as ever."""
    key = key_of(floor.viewer)
    with (
        serving(lifted()) as server,
        no_mistake(),
        witness(server, floor.viewer),
        ExitStack() as stack,
    ):
        whole = handshake(server.port, key)
        halves = [stack.enter_context(Rude(server.port)) for _ in range(50)]
        for rude in halves:
            rude.send(whole[:60])
        slow = stack.enter_context(Rude(server.port))
        for place in range(0, len(whole), 4):
            slow.send(whole[place : place + 4])
            if place % 40 == 0:
                with Rude(server.port).open(key) as quick:
                    quick.say("ping", id=place)
                    quick.expect("pong", id=place)
        assert slow.answer().startswith(b"HTTP/1.1 101")
        slow.expect("connection_established")


def test_daphne_ends_what_is_wrong_and_lives(floor, tmp_path):
    """It mostly ends without a word, and waits for the rest of what comes in pieces, however large."""
    key, port, errors = key_of(floor.viewer), free_port(), tmp_path / "errors"
    with errors.open("wb") as stderr:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)),
                "ms5.asgi:application",
            ],
            env=other_process.environment()
            | {"MS5_LOG_LEVEL": "WARNING", "MS5_LIMIT_HANDSHAKE_BURST": "1000"},
            cwd=other_process.ROOT,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        listening(server, port)
        found = {name: _ended_by(port, key, sent) for name, (sent, _) in BAD.items()}
        with Rude(port).open(key) as rude:
            rude.say("ping", id=1)
            rude.expect("pong", id=1)
        assert server.poll() is None
    finally:
        server.terminate()
        server.wait(10)
    waits = "65,600 bytes in a thousand pieces"
    assert {name for name, end in found.items() if end == "it waits"} == {waits}
    assert set(found.values()) <= {None, 1000, 4400, "it waits"}
    assert "Traceback" not in errors.read_text()


def _ended_by(port, key, sent):
    with Rude(port).open(key) as rude:
        rude.expect("connection_established")
        rude.send(sent)
        try:
            return rude.ended_with(within_s=3)
        except TimeoutError:
            return "it waits"
