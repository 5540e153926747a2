"""The application as it is run: by ms5.web, by daphne and by runserver, each in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ms5.accounts.keys import issue
from ms5.demo import commands
from ms5.demo.ports import free_port
from tests import other_process
from tests.client import Client
from tests.socket.test_delivery import say

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


def command(name, port):
    """What starts the server, after the interpreter."""
    return {
        "web": commands.web("127.0.0.1", port),
        "daphne": ("-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "ms5.asgi:application"),
        "runserver": ("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"),
    }[name]


def listening(server, port):
    """Return once the server takes connections."""
    deadline = time.monotonic() + 30
    while True:
        assert server.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.fixture(params=["web", "daphne", "runserver"])
def process(request, floor):
    """A server process on this test's database; its port."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, *command(request.param, port)],
        env=other_process.environment() | {"MS5_LOG_LEVEL": "WARNING"},
        cwd=other_process.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        listening(server, port)
        yield server, port, request.param
    finally:
        server.terminate()
        try:
            server.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def test_it_serves_facts_of_another_process_and_its_end_is_told(process, floor):
    server, port, name = process
    _, key = issue(floor.engineer, "a program")
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, headers={"Authorization": f"Token {key}"}) as client:
        client.subscribe("line", "L-OWN")
        for number in range(1, 11):
            say(number)
        for number in range(1, 11):
            assert client.expect("equipment_state")["seq"] == number
        client.expect("heartbeat", within_s=8)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ws/health", timeout=10) as answer:
            assert (answer.status, json.load(answer)["status"]) == (200, "degraded")
        server.send_signal(signal.SIGTERM)
        # Daphne tells nothing: its clients see an abnormal end.
        assert client.closed_with() == (1012 if name == "web" else None)
    assert server.wait(10) is not None


def test_a_foreign_origin_is_refused_with_403(process):
    _, port, _ = process
    url = f"ws://127.0.0.1:{port}/ws/production"
    headers = {"Cookie": "sessionid=" + "x" * 32, "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus) as refused, Client(url, headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_a_wrong_token_is_accepted_and_then_told_4401(process):
    _, port, _ = process
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, headers={"Authorization": "Token ms5_wrong"}) as client:
        assert client.closed_with() == 4401


def test_a_subprotocol_that_nobody_speaks_is_told_4406(process):
    _, port, _ = process
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, subprotocols=["ms5.v9"]) as client:
        assert client.connection.subprotocol == "ms5.v9"
        assert client.closed_with() == 4406


def test_a_binary_frame_ends_it_with_the_code_that_the_server_can_send(process, floor):
    _, port, name = process
    _, key = issue(floor.engineer, "a program")
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, headers={"Authorization": f"Token {key}"}) as client:
        client.receive()
        client.connection.send(b"\x00")
        # Daphne sends no code below 3000 but 1000; what stands in means the same to a client.
        assert client.closed_with() == (1003 if name == "web" else 4400)


def test_what_was_missed_is_replayed_in_batches(process, floor):
    _, port, _ = process
    _, key = issue(floor.engineer, "a program")
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, headers={"Authorization": f"Token {key}"}) as client:
        established = client.receive()
        client.subscribe("line", "L-OWN")
        say(1)
        last = client.expect("equipment_state")
    say(2, times=300)
    with connect(
        url,
        additional_headers={"Authorization": f"Token {key}"},
        subprotocols=["ms5.v1+batch", "ms5.v1"],
        proxy=None,
    ) as returned:
        assert returned.subprotocol == "ms5.v1+batch"
        asked = {
            "type": "resume",
            "id": 1,
            "epoch": established["epoch"],
            "positions": {"L-OWN": {"seq": 1, "event_id": last["event_id"]}},
            "subscriptions": [{"subscription_type": "line", "target_id": "L-OWN"}],
        }
        returned.send(json.dumps(asked))
        messages, batches = [], 0
        while not messages or messages[-1]["type"] != "live":
            frame = json.loads(returned.recv(timeout=10))
            batches += isinstance(frame, list)
            messages += frame if isinstance(frame, list) else [frame]
    (resumed,) = (each for each in messages if each["type"] == "resumed")
    answer = resumed["streams"]["L-OWN"]
    assert (answer["recovered"], answer["count"]) == (True, 300)
    assert [each["seq"] for each in messages if "seq" in each] == list(range(2, 302))
    assert 2 <= batches < 100


def test_without_its_database_it_says_try_later_and_its_health_is_503(tmp_path):
    port = free_port()
    environment = other_process.environment() | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder/db.sqlite3",
        "MS5_LOG_LEVEL": "ERROR",
    }
    server = subprocess.Popen(
        [sys.executable, *command("web", port)], env=environment, cwd=other_process.ROOT
    )
    try:
        listening(server, port)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ws/health", timeout=10)
        assert (refused.value.code, json.load(refused.value)["status"]) == (503, "down")
        url, headers = f"ws://127.0.0.1:{port}/ws/production", {"Authorization": "Token x"}
        for _ in range(3):
            with Client(url, headers=headers) as client:
                assert client.closed_with() == 1013
    finally:
        server.terminate()
        server.wait(10)


def test_a_server_killed_hard_leaves_nothing_that_a_new_one_minds(process, floor):
    server, port, name = process
    _, key = issue(floor.engineer, "a program")
    url = f"ws://127.0.0.1:{port}/ws/production"
    with Client(url, headers={"Authorization": f"Token {key}"}) as client:
        client.subscribe("line", "L-OWN")
        os.kill(server.pid, signal.SIGKILL)
        server.wait(10)
        say(1)
    again = subprocess.Popen(
        [sys.executable, *command(name, port)],
        env=other_process.environment() | {"MS5_LOG_LEVEL": "WARNING"},
        cwd=other_process.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with Client(url, headers={"Authorization": f"Token {key}"}) as client:
                    assert client.subscribe("line", "L-OWN")["positions"] == {"L-OWN": 1}
                    say(2)
                    assert client.expect("equipment_state")["seq"] == 2
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        again.terminate()
        again.wait(10)
