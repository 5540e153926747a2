"""Ports, the lock of a data directory, static files, and what is remembered between runs."""

import json
import os
import socket

import pytest

from ms5.demo.assets import collected, fingerprint, remember
from ms5.demo.lock import AlreadyRunning, only_one
from ms5.demo.plants import PlantPorts, plant_ports
from ms5.demo.ports import free_or_other, free_port, is_free


@pytest.fixture
def taken():
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_on_which_something_listens_is_not_free(taken):
    assert not is_free(taken)
    assert free_or_other(taken) != taken


def test_a_port_is_free_again_once_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # leaves a connection in TIME_WAIT behind
    assert is_free(port)
    assert free_or_other(port) == port


def test_a_free_port_is_below_those_of_outgoing_connections():
    assert all(20_000 <= free_port() < 32_768 for _ in range(50))


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(OSError, match="assign"):
        is_free(8000, "192.0.2.1")


def test_a_second_demo_on_the_same_directory_is_told_which_runs(tmp_path):
    with (
        only_one(tmp_path / "var"),
        pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}\)"),
        only_one(tmp_path / "var"),
    ):
        pass
    with only_one(tmp_path / "var"):
        pass


def test_the_controllers_keep_their_ports_from_run_to_run(tmp_path):
    first = plant_ports(tmp_path)
    assert first == PlantPorts(**json.loads((tmp_path / "plant-ports.json").read_text()))
    assert plant_ports(tmp_path) == first


def test_a_controllers_port_that_is_taken_is_replaced_and_remembered(tmp_path, taken):
    wanted = {"logix": taken - 1, "modbus": free_port(), "control": taken}
    (tmp_path / "plant-ports.json").write_text(json.dumps(wanted))
    chosen = plant_ports(tmp_path)
    assert taken not in {chosen.logix, chosen.logix + 1, chosen.control}
    assert plant_ports(tmp_path) == chosen


@pytest.fixture
def tree(tmp_path):
    for name in ("requirements.txt", "ms5/settings.py", "ms5/static.py", "static/css/a.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "var").mkdir()
    return tmp_path


def test_static_files_are_collected_once(tree):
    assert not collected(tree / "var", tree)
    remember(tree / "var", tree)
    assert collected(tree / "var", tree)


@pytest.mark.parametrize("name", ["requirements.txt", "static/css/a.css", "static/css/new.css"])
def test_a_file_that_changed_makes_them_stale(tree, name):
    remember(tree / "var", tree)
    before = fingerprint(tree)
    (tree / name).write_text("changed")
    assert fingerprint(tree) != before
    assert not collected(tree / "var", tree)
