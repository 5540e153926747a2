"""`python -m ms5.demo` says what is in its way before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ms5.demo.lock import only_one
from ms5.demo.ports import free_port

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def demo(tmp_path):
    """Runs the demo on a directory of its own; what it wrote to stderr, which files it made."""

    def run(**environment):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", "ms5.demo"],
            cwd=ROOT,
            env=kept | {"MS5_DATA_DIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr, sorted(path.name for path in tmp_path.iterdir())

    return run


def test_a_busy_port_is_named_with_the_way_out(demo):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said, files = demo(MS5_PORT=str(port))
    assert said == f"demo: Port {port} is in use; choose another with MS5_PORT={port + 1}\n"
    assert files == ["demo.lock"]


def test_a_second_start_names_the_first(demo, tmp_path):
    with only_one(tmp_path):
        said, files = demo(MS5_PORT=str(free_port()))
    assert said.startswith(f"demo: A demo runs on {tmp_path} already (pid {os.getpid()}).")
    assert files == ["demo.lock"]


def test_a_redis_that_does_not_answer_is_named_without_its_password(demo):
    port = free_port()
    said, files = demo(MS5_PORT=str(free_port()), REDIS_URL=f"redis://:hush@127.0.0.1:{port}/0")
    assert said == f"demo: The Redis of REDIS_URL does not answer (127.0.0.1:{port}).\n"
    assert files == ["demo.lock"]


def test_a_wrong_port_or_host_is_named(demo):
    assert demo(MS5_PORT="http")[0] == (
        "demo: MS5_PORT is 'http'; it must be a number from 1 to 65535.\n"
    )
    assert demo(MS5_HOST="192.0.2.1")[0] == (
        "demo: MS5_HOST is '192.0.2.1': Cannot assign requested address\n"
    )
