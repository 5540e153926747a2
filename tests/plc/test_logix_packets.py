"""Controllers that refuse packets as a whole: what is asked for next, and what is remembered of it."""

import pytest

from telemetry.drivers.base import DataType, TagSpec
from telemetry.simulator.cip import Refused
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.faults import Faults
from telemetry.simulator.memory import Memory

READ, PACKET = 0x4C, 0x0A
TOO_LARGE, BAD_PATH = 0x11, 0x05
NAMES = [f"Tag_{n:02}" for n in range(12)]
SPECS = [TagSpec(name, DataType.INT32) for name in NAMES]


@pytest.fixture
def plain():
    """A controller of twelve tags, each with a value of its own."""
    server = LogixServer(Memory([(name, "DINT", 1) for name in NAMES]))
    server.start()
    for value, name in enumerate(NAMES):
        server.set(name, value)
    yield server
    server.stop()


def refuse(server, monkeypatch, is_refused):
    """Refuse the packets of which this is true, by the number of services and the bytes of the requests."""
    answer = server.controller._multiple

    def multiple(path, data, room):
        if is_refused(data[0], data):
            raise Refused(TOO_LARGE)
        return answer(path, data, room)

    monkeypatch.setattr(server.controller, "_multiple", multiple)


def polled(server, driver):
    """The values, and how many packets and reads they took."""
    before = server.stats.services.copy()
    readings = driver.read(SPECS)
    spent = server.stats.services - before
    return [reading.value for reading in readings], spent[PACKET], spent[READ]


def test_the_size_that_is_given_stays_though_the_search_for_it_took_two_polls(
    plain, driver_of, monkeypatch
):
    refuse(plain, monkeypatch, lambda services, _: services > 4)
    driver = driver_of(plain, timeout_s=2)
    driver.open()
    plain.faults = Faults(delay_s=0.2)
    for _ in range(3):
        driver.read(SPECS)
    plain.faults = Faults()
    for _ in range(3):
        values, packets, _ = polled(plain, driver)
        assert values == list(range(12))
        assert packets == 4


def test_what_a_controller_only_gives_alone_is_asked_for_alone(plain, driver_of, monkeypatch):
    refuse(plain, monkeypatch, lambda services, _: services > 1)
    driver = driver_of(plain, timeout_s=5)
    driver.open()
    for due in (1 + 2 + 4, 0, 0):
        values, packets, reads = polled(plain, driver)
        assert values == list(range(12))
        assert (packets, reads) == (due, 12)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tags_that_spoil_their_packets_come_alone_and_the_others_together(
    plain, driver_of, monkeypatch, count
):
    spoilers = [NAMES[5 * n] for n in range(count)]
    plain.controller.tag_errors = dict.fromkeys(spoilers, BAD_PATH)
    refuse(plain, monkeypatch, lambda _, data: any(name.encode() in data for name in spoilers))
    driver = driver_of(plain, timeout_s=5)
    driver.open()
    due = [None if name in spoilers else value for value, name in enumerate(NAMES)]
    assert polled(plain, driver)[0] == due
    for _ in range(2):
        values, packets, reads = polled(plain, driver)
        assert values == due
        assert (packets, reads) == (1, 12)


def test_a_controller_that_was_busy_with_a_packet_gets_the_same_again(
    plain, driver_of, monkeypatch
):
    busy = [True, False, False]

    def refused_once(_services, _data):
        if busy.pop(0):
            raise Refused(0x02)
        return False

    refuse(plain, monkeypatch, refused_once)
    driver = driver_of(plain, timeout_s=5)
    driver.open()
    assert polled(plain, driver) == ([None] * 12, 1, 0)
    assert polled(plain, driver) == (list(range(12)), 1, 12)
