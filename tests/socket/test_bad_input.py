"""What a client may send that is wrong: each frame has its one answer or the documented close."""

import asyncio
from collections import Counter
from contextlib import ExitStack

import pytest
from django.db import connection

from realtime.protocol import ErrorCode
from realtime.threads import DatabaseThreads
from tests import factories
from tests.figures import record
from tests.fuzzing import Fuzzer
from tests.malformed import cases
from tests.rude import Opcode, Rude, text
from tests.socket.conftest import serving
from tests.socket.fuzzed import Fuzzed, may_be_answered
from tests.socket.rude_floor import (
    hears_on,
    key_of,
    lifted,
    logged,
    no_mistake,
    nothing_is_left,
    witness,
)
from tests.socket.test_delivery import say

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

SEED = 20261123
HIDDEN = "L-7Q-HIDDEN"


def test_each_case_of_the_corpus_has_its_answer_and_no_other(floor):
    key, limits = key_of(floor.viewer), lifted()
    found = {}
    with (
        serving(limits) as server,
        no_mistake(),
        witness(server, floor.viewer) as heard,
    ):
        client = Fuzzed(server.port, key, "ms5.v1")
        for case in cases():
            client.shoot([case.payload])
            labels, code = client.answers()
            found[case.name] = code or labels
            if (
                case.answer is not None
            ):  # the next one shall find a connection without subscriptions
                client.close()
                client._open()
        client.close()
        hears_on(heard)
    due = {
        case.name: case.close or [label for label in (case.answer, case.code) if label]
        for case in cases()
    }
    wrong = {name: (found[name], due[name]) for name in due if found[name] != due[name]}
    assert wrong == {}
    assert len(found) == len(due) >= 650
    record("cases of the malformed corpus", len(found))


@pytest.mark.timeout(600)
def test_fuzzed_frames_have_one_answer_each_and_reach_every_code(floor):
    count = 50_000 if connection.vendor == "sqlite" else 8_000
    at_least = 100 if count == 50_000 else 10
    factories.line(code=HIDDEN)
    fuzzer, limits = Fuzzer(SEED), lifted(subscriptions=20)
    codes, closes, frames = Counter(), Counter(), 0
    with (
        serving(limits) as server,
        no_mistake(),
        witness(server, floor.viewer) as heard,
    ):
        with server.client(floor.engineer) as control, ExitStack() as stack:
            control.subscribe("line", HIDDEN)
            clients = [
                stack.enter_context(Fuzzed(server.port, key_of(floor.viewer), protocol))
                for protocol in ("ms5.v1", "ms5.v1", "ms5.v1+batch", "ms5.v1+batch")
            ]
            while frames < count:
                say(frames, line=HIDDEN, code="M.7Q-HIDDEN")
                control.expect("equipment_state")
                volleys = [_volley(fuzzer, limits) for _ in clients]
                for client, (payloads, _, _) in zip(clients, volleys, strict=True):
                    client.shoot(payloads)
                for client, (payloads, expected, last) in zip(clients, volleys, strict=True):
                    labels, code = client.answers()
                    assert code is None
                    _assert_answered(payloads, expected, labels)
                    codes.update(labels)
                    frames += len(payloads)
                    if last is not None:
                        client.shoot([last[0]])
                        assert client.answers() == ([], last[1])
                        closes[last[1]] += 1
                        frames += 1
            for client in clients:
                client.shoot([])
                assert client.answers() == ([], None)
                client.close()
            assert b"7Q-HIDDEN" not in b"".join(client.bytes for client in clients)
            assert control.facts()[-1]["line_id"] == HIDDEN
        facts = len(heard)
    assert closes == {1007: closes[1007], 1009: closes[1009]}
    assert min(closes.values()) >= at_least // 10
    for code in (
        ErrorCode.INVALID_JSON,
        ErrorCode.INVALID_MESSAGE,
        ErrorCode.UNKNOWN_MESSAGE_TYPE,
        ErrorCode.MISSING_SUBSCRIPTION_TYPE,
        ErrorCode.UNKNOWN_SUBSCRIPTION_TYPE,
        ErrorCode.MISSING_TARGET_ID,
        ErrorCode.INVALID_TARGET,
        ErrorCode.LIMIT_SUBSCRIPTIONS,
        ErrorCode.TOO_LARGE,
        ErrorCode.AUTH_FAILED,
        ErrorCode.RESUME_INVALID,
    ):
        assert codes[code] >= at_least, code
    assert codes[ErrorCode.INTERNAL] == codes[ErrorCode.SERVER_BUSY] == 0
    assert codes["subscription_confirmed"] >= at_least
    assert codes["pong"] >= at_least
    assert facts >= 20
    record("fuzzed frames", frames, seed=SEED, answers=dict(codes), tracebacks=0)


def _volley(fuzzer, limits, size=40):
    """Return payloads, what each may be answered, and one that closes, or None: it waits for the others."""
    payloads, expected = [], []
    while len(payloads) < size:
        payload = fuzzer.payload()
        answers = may_be_answered(payload, limits)
        if isinstance(answers, int):
            return payloads, expected, (payload, answers)
        payloads.append(payload)
        expected.append(answers)
    return payloads, expected, None


def _assert_answered(payloads, expected, labels):
    """Each frame had its answers, in order, and no other came."""
    left = list(labels)
    for payload, answers in zip(payloads, expected, strict=True):
        for possible in answers:
            assert left, (payload[:300], "had no answer")
            label = left.pop(0)
            assert label in possible, (payload[:300], label, possible)
            for _ in range(possible[label]):
                assert left.pop(0) == ErrorCode.INVALID_TARGET, payload[:300]
    assert left == []


def test_too_many_messages_are_refused_a_hundred_times_before_the_connection_ends(floor):
    with serving(lifted(messages_per_second=0.1, burst=40)) as server:
        with Rude(server.port).open(key_of(floor.viewer)) as rude:
            rude.send(text('{"type":"ping"}') * 150)
            codes = Counter()
            for message in rude.messages():
                codes[message.get("code", message["type"])] += 1
                if message["type"] == "error":
                    assert message["retry_after_ms"] >= 1
                if codes["RATE_LIMITED"] == 110:
                    break
        assert codes["pong"] == 40
        nothing_is_left(server)


def test_a_revoked_line_is_told_once_for_each_subscription(server, floor):
    """FORBIDDEN is what no frame is answered with: it tells that a subscription has ended."""
    machines = [factories.equipment(line=floor.foreign, code=f"M.{n}") for n in range(110)]
    floor.viewer.line_access.create(line=floor.foreign)
    with serving(lifted()) as patient, patient.client(floor.viewer) as client:
        for machine in machines:
            client.subscribe("equipment", machine.code)
        client.subscribe("line", "L-OWN")
        floor.viewer.line_access.filter(line=floor.foreign).delete()
        told = [client.expect("error", code="FORBIDDEN")["target_id"] for _ in machines]
        assert sorted(told) == sorted(machine.code for machine in machines)
        say(1, line="L-FOREIGN", code="M.1")
        say(1)
        assert client.expect("equipment_state")["line_id"] == "L-OWN"


def test_a_snapshot_that_cannot_be_read_in_time_is_told_and_can_be_asked_again(floor):
    limits = lifted(snapshot_s=1e-9)
    with serving(limits) as server, no_mistake(), server.client(floor.viewer) as client:
        for _ in range(100):
            client.send("subscribe", subscription_type="line", target_id="L-OWN")
            error = client.expect("error")
            assert (error["code"], error["retryable"]) == ("SERVER_BUSY", True)
        assert client.pong() == []
        assert not server.hub.interest.wants("L-OWN")


def test_a_fault_of_the_server_is_told_with_an_incident_that_its_log_knows(floor):
    """The threads that read snapshots are gone: no message is answered well, and the connection goes on."""
    told = []
    with (
        serving(lifted()) as server,
        logged() as records,
        server.client(floor.viewer) as client,
    ):
        client.pong()
        hub, gone = server.hub, DatabaseThreads(1, "gone")
        asyncio.run_coroutine_threadsafe(gone.close(), hub._loop).result(5)
        hub.pictures._threads = gone
        for _ in range(100):
            client.send("subscribe", subscription_type="line", target_id="L-OWN")
            error = client.expect("error")
            assert (error["code"], error["retryable"]) == ("INTERNAL", True)
            told.append(error["incident"])
        assert client.pong() == []
        assert not hub.interest.wants("L-OWN")
    assert [line.incident for line in records if hasattr(line, "incident")] == told
    assert len(set(told)) == 100
    record("faults of the server told with an incident", len(told))


def test_a_frame_of_bytes_is_no_message(server, floor):
    with Rude(server.port).open(key_of(floor.viewer)) as rude:
        rude.send(text('{"type":"ping","id":1}'))
        rude.expect("pong", id=1)
        rude.send(bytes([0x80 | Opcode.BINARY, 0x81]) + bytes(5))
        assert rude.ended_with() == 1003
