"""Several Modbus devices on one line: serial, or behind a gateway that frames as on a serial line."""

import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from telemetry.drivers import driver_for
from telemetry.drivers.base import DataType, Endpoint, LinkDown, Quality, TagSpec
from telemetry.simulator.faults import Faults
from telemetry.simulator.modbus import ModbusServer, Place
from tests.plc.peers import serial_line

PLACES = [
    Place("One", "holding", 0, "int16", device_id=1),
    Place("Two", "holding", 0, "int16", device_id=2),
    Place("Three", "holding", 0, "int16", device_id=3),
    Place("Long", "holding", 10, "int32", device_id=1),
]


def of_device(number):
    return TagSpec("holding:0", DataType.INT16, device_id=number)


@pytest.fixture
def server():
    server = ModbusServer(PLACES, rtu=True)
    server.start()
    for value, name in enumerate(("One", "Two", "Three"), 1):
        server.set(name, 100 * value)
    yield server
    server.stop()


@pytest.fixture(params=["modbus_rtu_tcp", "modbus_rtu"])
def on_line(request, server):
    """Makes drivers of devices on one line, which are closed when the test ends."""
    made = []
    with serial_line(server) as device:

        def make(**fields):
            is_serial = request.param == "modbus_rtu"
            host = device if is_serial else "127.0.0.1"
            endpoint = Endpoint(
                request.param,
                host,
                server.port,
                **{"timeout_s": 2.0, "serial": "19200 8N1"} | fields,
            )
            driver = driver_for(endpoint)
            made.append(driver)
            driver.open()
            return driver

        yield make
        for driver in made:
            driver.close()


def test_devices_of_one_row_are_read_over_one_connection(server, on_line):
    driver = on_line()
    readings = driver.read([of_device(3), of_device(1), of_device(2)])
    assert [r.value for r in readings] == [300, 100, 200]
    assert server.stats.connections <= 2
    assert server.stats.writes == 0


def test_rows_of_one_line_share_its_connection_and_keep_their_values_apart(server, on_line):
    drivers = [on_line(timeout_s=5) for _ in range(3)]
    wrong = []

    def poll(driver, number):
        for _ in range(20):
            values = [r.value for r in driver.read([of_device(number)])]
            if values != [100 * number]:
                wrong.append(values)

    threads = [
        threading.Thread(target=poll, args=(driver, number))
        for number, driver in enumerate(drivers, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert server.stats.connections <= 2


def test_a_silent_device_costs_the_others_on_its_line_nothing_but_time(server, on_line):
    server.silent_devices = {2}
    driver = on_line(timeout_s=0.3)
    for _ in range(2):
        one, two, three = driver.read([of_device(1), of_device(2), of_device(3)])
        assert (one.value, three.value) == (100, 300)
        assert (two.value, two.quality) == (None, Quality.BAD)
        assert "answer" in two.error
    driver.read([of_device(1), of_device(2), of_device(3)])
    asked = server.stats.functions[3]
    assert asked < 9, "the silent one is asked more seldom"


def test_a_line_on_which_nobody_answers_is_a_lost_link(server, on_line):
    server.silent_devices = {1, 2}
    driver = on_line(timeout_s=0.3)
    for _ in range(3):
        with pytest.raises(LinkDown, match="did not answer within"):
            driver.read([of_device(1), of_device(2)])
        driver.open()


def test_a_late_reply_is_never_taken_for_the_next_answer(server, on_line):
    driver, other = on_line(timeout_s=0.3), on_line(timeout_s=3)
    server.faults = Faults(delay_s=0.5, replies=1)
    with pytest.raises(LinkDown, match="did not answer within"):
        driver.read([of_device(1)])
    assert [r.value for r in other.read([of_device(2)])] == [200]
    driver.open()
    server.set("One", 111)
    assert [r.value for r in driver.read([of_device(1)])] == [111]


def test_what_failed_on_a_shared_line_is_dropped_for_the_others_too(server):
    def of(timeout_s):
        at = Endpoint("modbus_rtu_tcp", "127.0.0.1", server.port, timeout_s=timeout_s)
        return driver_for(at)

    failing, other = of(0.2), of(3)
    failing.open()
    other.open()
    server.faults = Faults(delay_s=0.4, replies=2)
    with pytest.raises(LinkDown, match="did not answer within"):
        failing.read([of_device(1)])
    server.set("One", 111)
    # The late reply is to a question like this one: on the same connection it would be the answer.
    assert [r.value for r in other.read([of_device(1)])] == [111]
    other.close()


def test_an_answer_that_comes_twice_is_not_taken_for_the_next(server, on_line):
    driver = on_line()
    server.faults = Faults(twice_after_s=0.05, replies=1)
    assert [r.value for r in driver.read([of_device(1)])] == [100]
    time.sleep(0.2)
    server.set("One", 111)
    assert [r.value for r in driver.read([of_device(1)])] == [111]


@pytest.mark.parametrize(
    "fault",
    [
        Faults(misnumbered=True),
        Faults(short=True),
        Faults(stall_mid=True),
        Faults(drip_s=0.1),
        Faults(garbage=b"\x00\xff" * 20),
    ],
    ids=["another device", "short", "stall", "drip", "garbage"],
)
def test_what_is_no_answer_to_the_request_is_a_lost_link(server, on_line, fault):
    driver = on_line(timeout_s=0.3)
    server.faults = fault
    with pytest.raises(LinkDown):
        driver.read([of_device(1)])
    assert not driver.connected
    server.faults = Faults()
    time.sleep(0.05)
    driver.open()


def test_a_value_that_comes_in_pieces_is_read_until_two_readings_agree(server, on_line):
    driver = on_line(options={"max_registers": 1}, timeout_s=3)
    server.set("Long", 0x0001_FFFF)
    (reading,) = driver.read([TagSpec("holding:10", DataType.INT32)])
    assert reading.value == 0x0001_FFFF
    assert server.stats.functions[3] == 4


def test_a_pause_lies_between_the_requests_of_a_device_that_needs_one(server, on_line):
    driver = on_line(pause_s=0.05, timeout_s=0.5)
    driver.read([of_device(1)])
    began = time.monotonic()
    driver.read([of_device(1), of_device(2), of_device(3)])
    assert time.monotonic() - began >= 0.15


def test_each_row_of_a_line_has_its_own_pause(server, on_line):
    quick, slow = on_line(), on_line(pause_s=0.1)
    for driver, least, most in ((slow, 0.3, 1.0), (quick, 0.0, 0.25)):
        driver.read([of_device(1)])
        began = time.monotonic()
        for _ in range(3):
            driver.read([of_device(2)])
        assert least <= time.monotonic() - began < most


def test_a_line_that_is_not_there_says_so():
    driver = driver_for(Endpoint("modbus_rtu", "/dev/no-such-line", 1, timeout_s=0.3))
    with pytest.raises(LinkDown, match="/dev/no-such-line cannot be spoken to"):
        driver.open()


def test_a_serial_format_that_is_none_says_so():
    driver = driver_for(Endpoint("modbus_rtu", "/dev/null", 1, serial="fast"))
    with pytest.raises(LinkDown, match="write it like 19200 8E1"):
        driver.open()


def test_a_line_of_another_format_can_be_probed(server):
    out = StringIO()
    said = {"protocol": "modbus_rtu", "type": "uint16", "stdout": out}
    with serial_line(server) as device:
        call_command("probe", device, "holding:0", serial="9600 8N1", **said)
    assert out.getvalue().splitlines()[1].split()[-2:] == ["100", "good"]
    with pytest.raises(CommandError, match="no serial format"):
        call_command("probe", "/dev/ttyS0", "holding:1", serial="fast", **said)
    with pytest.raises(CommandError, match="no CIP path"):
        call_command("probe", "127.0.0.1", "Speed", protocol="logix", path="1/2/3")
