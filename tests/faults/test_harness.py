"""The tools of the fault run do what they are trusted to do: the witness, the verdict, the proxy."""

import json
import socket
import socketserver
import threading
from contextlib import contextmanager

import pytest

from tests.faults.ledger import Deed, Ledger
from tests.faults.mutants import MUTANTS, mutated
from tests.faults.proxy import FaultProxy, Mode
from tests.faults.verdict import history_of, judge
from tests.faults.witness import Witness, hears
from tests.faults.writer import KEPT, TAKEN_BACK

LINE = {"subscription_type": "line", "target_id": "L-F1"}


def row(seq, marker="", event_id=None):
    return {
        "stream": "L-F1",
        "seq": seq,
        "event_id": event_id or f"id-{seq}",
        "type": "equipment_fault",
        "line_id": "L-F1",
        "equipment_code": "F1.A",
        "data": {"text": marker},
    }


def fact(seq, event_id=None):
    return {"type": "equipment_fault", "stream": "L-F1", "seq": seq} | {
        "event_id": event_id or f"id-{seq}"
    }


def witness_of(*messages):
    """A witness of a client that subscribed to one line at position 0 and was then told this."""
    witness = Witness(1)
    witness.connected()
    for message in (confirmed(0), *messages):
        witness.heard(0.0, json.dumps(message))
    return witness


def confirmed(position):
    return {"type": "subscription_confirmed", "positions": {"L-F1": position}}


def heartbeat(position, sent):
    return {"type": "heartbeat", "positions": {"L-F1": position}, "facts_sent": sent}


def faults(witness, rows, ledger=None):
    facts = {
        stream: [(seq, id_) for each in stretches for seq, (id_, _) in each.facts.items()]
        for stream, stretches in witness.stretches.items()
    }
    report = {
        "name": "a client",
        "wishes": [LINE],
        "stretches": {
            stream: [
                [each.start, each.end, [[seq, *came] for seq, came in each.facts.items()]]
                for each in stretches
            ]
            for stream, stretches in witness.stretches.items()
        },
        "breaks": [],
        "wrong": witness.wrong,
        "twice": witness.twice,
        "again": witness.again,
        "foreign": witness.foreign,
        "counted": dict(witness.counted),
        "snapshots": [],
        "facts": facts,
        "ended": None,
        "incomplete": 0,
    }
    return judge(ledger or Ledger(), [history_of(rows)], [report], {}).faults()


def test_a_client_that_was_given_all_has_no_fault():
    assert faults(witness_of(fact(1), fact(2), heartbeat(2, 2)), [row(1), row(2)]) == {}


def test_a_fact_that_never_came_is_lost_once_a_heartbeat_has_passed_it():
    assert faults(witness_of(fact(1), heartbeat(3, 1)), [row(1), row(2), row(3)]) == {"lost": 2}


def test_a_fact_that_came_and_is_not_in_the_log_is_invented():
    told = witness_of(fact(1), fact(2, "another"))
    assert faults(told, [row(1), row(2)]) == {"invented": 1}


def test_a_fact_that_came_twice_on_a_connection_is_counted():
    assert faults(witness_of(fact(1), fact(1)), [row(1)]) == {"twice": 1}


def test_a_fact_before_one_that_came_is_out_of_order():
    told = witness_of(fact(2), fact(1))
    assert faults(told, [row(1), row(2)])["twice"] == 1
    assert faults(told, [row(1), row(2)])["lost"] == 1


def test_a_marker_in_any_byte_is_foreign():
    witness = Witness(1, "SECRET")
    witness.connected()
    witness.heard(0.0, json.dumps({"type": "pong", "t": "L-SECRET"}))
    assert witness.foreign == 1


def test_a_second_connection_that_begins_anew_is_a_break_and_no_loss():
    witness = witness_of(fact(1), heartbeat(1, 1))
    witness.closed(1006)
    witness.connected()
    for message in (confirmed(5), fact(6)):
        witness.heard(1.0, json.dumps(message))
    assert [(each.after, each.to, each.reason) for each in witness.breaks] == [(1, 5, "anew")]
    assert faults(witness, [row(seq) for seq in range(1, 7)]) == {}


def test_a_resume_that_claims_to_be_whole_and_is_not_is_a_loss():
    witness = witness_of(fact(1))
    witness.closed(1006)
    witness.connected()
    witness.sent({"type": "resume", "positions": {"L-F1": {"seq": 1, "event_id": "id-1"}}})
    outcome = {"recovered": True, "count": 2, "reason": None, "missing": None}
    for message in (
        {"type": "resumed", "epoch": "e", "streams": {"L-F1": outcome}},
        fact(2),
        {"type": "live", "positions": {"L-F1": 3}},
    ):
        witness.heard(1.0, json.dumps(message))
    assert witness.breaks == []
    assert faults(witness, [row(1), row(2), row(3)]) == {"lost": 1}


def test_the_ledger_is_held_against_the_log():
    ledger = Ledger(
        {
            name: Deed(name, "L-F1", outcome, 0.0, 0.0)
            for name, outcome in (("deed-1", KEPT), ("deed-2", KEPT), ("deed-3", TAKEN_BACK))
        }
    )
    told = witness_of(fact(1), fact(2), fact(3))
    rows = [row(1, "deed-1"), row(2, "deed-1"), row(3, "deed-3")]
    assert faults(told, rows, ledger) == {"lost": 1, "twice": 1, "invented": 1}


@pytest.mark.parametrize(
    ("wish", "heard"),
    [
        (("line", "L-F1"), True),
        (("line", "L-F"), False),
        (("line", "all"), True),
        (("equipment", "F1.A"), True),
        (("equipment", "F1"), False),
        (("event", "equipment_fault"), True),
        (("production", "L-F1"), False),
    ],
)
def test_what_a_target_hears(wish, heard):
    assert hears([{"subscription_type": wish[0], "target_id": wish[1]}], row(1)) is heard


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_still_finds_the_text_that_it_changes(mutant):
    with mutated(mutant) as root:
        assert all((root / patch.file).is_file() for patch in mutant.patches)


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(100):
            self.request.sendall(data)


@contextmanager
def echo():
    """A proxy before a server that says everything back, and a connection through it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        proxy = FaultProxy(server.server_address[1])
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as through:
                through.sendall(b"hello")
                assert through.recv(100) == b"hello"
                yield proxy, through
        finally:
            proxy.close()
            server.shutdown()
            thread.join()


def talk_until_cut(through):
    for _ in range(100):
        through.sendall(b"1234")
        if not through.recv(2):
            raise ConnectionResetError


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.REFUSE, Mode.TRUNCATE])
def test_a_cut_reaches_the_client(mode):
    with echo() as (proxy, through):
        proxy.behave(mode)
        with pytest.raises(ConnectionError):
            talk_until_cut(through)


def test_a_blackhole_keeps_all_and_brings_it_when_it_heals():
    with echo() as (proxy, through):
        proxy.behave(Mode.BLACKHOLE)
        through.sendall(b"late")
        through.settimeout(0.3)
        with pytest.raises(TimeoutError):
            through.recv(100)
        proxy.heal()
        through.settimeout(5)
        assert through.recv(100) == b"late"


@pytest.mark.parametrize(
    ("mode", "length"),
    [(Mode.DUPLICATE, 8), (Mode.GARBAGE, 4), (Mode.DRIP, 4), (Mode.DELAY, 4)],
)
def test_what_is_spoilt_is_counted(mode, length):
    with echo() as (proxy, through):
        proxy.behave(mode, 0.01)
        through.sendall(b"1234")
        came = b""
        while len(came) < length:
            came += through.recv(100)
        assert proxy.spoilt >= 1
        assert (came == b"1234") == (mode in {Mode.DRIP, Mode.DELAY})
