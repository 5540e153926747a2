import threading

import pytest

from telemetry.drivers import driver_for
from telemetry.drivers.base import Endpoint
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory
from telemetry.simulator.modbus import ModbusServer, Place

TAGS = [
    ("MC_Avg_Speed", "REAL", 1),
    ("Current_Product", "INT", 1),
    ("Count_Blade_PEC", "COUNTER", 1),
    ("AllDrivesEnabled", "BOOL", 1),
    ("Fault", "BOOL", 64),
    ("Recipe", "DINT", 3000),
    ("Total", "DINT", 1),
    ("Big", "LINT", 1),
    ("Program:Main.Step", "DINT", 1),
]

MODBUS_PLACES = [
    Place("State", "input", 0),
    Place("Speed", "input", 2, "float32", "CDAB"),
    Place("Total", "input", 4, "uint32", "CDAB"),
    Place("Reject", "input", 6, "uint32", "CDAB"),
    Place("Word", "holding", 100),
    Place("Next", "holding", 101, "int16"),
    Place("Open", "coil", 3),
    Place("Shut", "discrete", 17),
]


@pytest.fixture
def plc():
    """A running Logix controller with the tags of a bagger."""
    server = LogixServer(Memory(TAGS))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def driver_of():
    """Makes drivers, which are closed when the test ends; a test of deadlines says its own, shorter one."""
    made = []

    def make(server_or_port, protocol="logix", timeout_s=2.0, **options):
        port = getattr(server_or_port, "port", server_or_port)
        driver = driver_for(
            Endpoint(protocol, "127.0.0.1", port, timeout_s=timeout_s, options=options)
        )
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def device():
    """A running Modbus device with the registers of a checkweigher and a few more."""
    server = ModbusServer(MODBUS_PLACES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def modbus(driver_of):
    """Makes open Modbus drivers."""

    def make(peer, timeout_s=2.0, **options):
        driver = driver_of(peer, "modbus_tcp", timeout_s=timeout_s, **options)
        driver.open()
        return driver

    return make


@pytest.fixture(autouse=True)
def nothing_but_reads_is_asked_of_a_modbus_device(request, monkeypatch):
    """No test may see a function that is none of the four reads, unless it says that it asks for one."""
    asked, note = set(), ModbusServer.note_function

    def note_and_keep(server, function):
        asked.add(function)
        note(server, function)

    monkeypatch.setattr(ModbusServer, "note_function", note_and_keep)
    yield
    if "writes_on_purpose" not in request.fixturenames:
        assert asked <= {1, 2, 3, 4}


@pytest.fixture
def writes_on_purpose():
    """Says that this test asks for more than reads, by other means than a driver."""


@pytest.fixture(autouse=True)
def no_thread_stays():
    """A test leaves no thread behind, so that what it measures next is its own.

    The one that carries hints away is the process's own, and begins with the first fact.
    """
    before = set(threading.enumerate())
    yield
    for thread in _others(before):
        thread.join(2)
    assert _others(before) == set()


def _others(before):
    now = set(threading.enumerate()) - before
    return {thread for thread in now if thread.name != "broadcast"}
