"""The application as it is run: by uvicorn, and by daphne, each in a process of its own."""

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

from ms5.accounts.keys import issue
from tests import other_process
from tests.client import Client
from tests.socket.test_delivery import say

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands(port):
    return {
        "uvicorn": [
            *("-m", "uvicorn", "ms5.asgi:application", "--host", "127.0.0.1"),
            *("--port", str(port), "--log-level", "warning", "--ws", "websockets-sansio"),
        ],
        "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "ms5.asgi:application"],
    }


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


@pytest.fixture(params=["uvicorn", "daphne"])
def process(request, floor):
    """A server process on this test's database; its port."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, *commands(port)[request.param]],
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
            assert (answer.status, answer.read()) == (200, b'{"status": "degraded"}')
        server.send_signal(signal.SIGTERM)
        # Daphne tells nothing: its clients see an abnormal end.
        assert client.closed_with() == (1012 if name == "uvicorn" else None)
    assert server.wait(10) is not None


def test_a_foreign_origin_is_refused_with_403(process):
    _, port, _ = process
    url = f"ws://127.0.0.1:{port}/ws/production"
    headers = {"Cookie": "sessionid=" + "x" * 32, "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus) as refused, Client(url, headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_without_its_database_it_says_try_later_and_its_health_is_503(tmp_path):
    port = free_port()
    environment = other_process.environment() | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder/db.sqlite3",
        "MS5_LOG_LEVEL": "ERROR",
    }
    server = subprocess.Popen(
        [sys.executable, *commands(port)["uvicorn"]], env=environment, cwd=other_process.ROOT
    )
    try:
        listening(server, port)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ws/health", timeout=10)
        assert (refused.value.code, refused.value.read()) == (503, b'{"status": "down"}')
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
        [sys.executable, *commands(port)[name]],
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
