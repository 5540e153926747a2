"""The Modbus driver against devices that behave, and addresses that do not."""

import socket
import struct
import time

import pytest
from pymodbus.client import ModbusTcpClient

from telemetry.drivers.base import ByteOrder, DataType, LinkDown, Quality, TagSpec
from telemetry.drivers.blocks import EXTRA_REQUESTS
from telemetry.simulator.modbus import ModbusServer, Place
from tests.plc.peers import ScriptedPeer, answer_to, registers_for

STATE = TagSpec("input:0", DataType.UINT16)
SPEED = TagSpec("input:2", DataType.FLOAT32, 1, ByteOrder.CDAB)
TOTAL = TagSpec("input:4", DataType.UINT32, 1, ByteOrder.CDAB)
REJECT = TagSpec("input:6", DataType.UINT32, 1, ByteOrder.CDAB)


def test_a_device_is_read_in_one_request_for_each_table(device, modbus):
    device.set("State", 3)
    device.set("Speed", 81.5)
    device.set("Total", 70_000)
    device.set("Word", 0b1000)
    device.set("Next", -5)
    device.set("Open", 1)
    device.set("Shut", 1)
    driver = modbus(device)
    readings = driver.read([
        TagSpec("holding:100.3", DataType.BOOL),
        SPEED,
        TagSpec("coil:3", DataType.BOOL),
        TOTAL,
        TagSpec("holding:101", DataType.INT16),
        TagSpec("discrete:17", DataType.BOOL),
        TagSpec("holding:100", DataType.BOOL, 16),
    ])  # fmt: skip
    assert [r.value for r in readings[:6]] == [True, 81.5, True, 70_000, -5, True]
    assert [n for n, on in enumerate(readings[6].value) if on] == [3]
    assert {r.quality for r in readings} == {Quality.GOOD}
    assert dict(device.stats.functions) == {1: 1, 2: 1, 3: 1, 4: 1}


@pytest.mark.parametrize("order", list(ByteOrder))
@pytest.mark.parametrize("data_type", [DataType.INT16, DataType.INT32, DataType.FLOAT64])
def test_every_byte_order_comes_through_the_wire(order, data_type, modbus):
    server = ModbusServer([Place("Value", "holding", 7, data_type.value, order.value)])
    server.start()
    try:
        server.set("Value", -12345)
        driver = modbus(server)
        assert driver.read([TagSpec("holding:7", data_type, 1, order)])[0].value == -12345
        driver.close()
    finally:
        server.stop()


def test_one_bad_address_in_a_block_is_one_bad_reading(device, modbus):
    driver = modbus(device)
    missing = TagSpec("input:1", DataType.UINT16)
    readings = driver.read([STATE, missing, SPEED, TOTAL, REJECT])
    assert [r.quality for r in readings] == ["good", "bad", "good", "good", "good"]
    assert readings[1].error == "input:1: illegal data address."
    assert driver.connected


def test_a_hole_between_good_addresses_costs_no_reading(device, modbus):
    driver = modbus(device)
    assert {r.quality for r in driver.read([STATE, SPEED, TOTAL])} == {Quality.GOOD}
    # The block with the hole was refused; its two halves were answered.
    assert device.stats.functions[4] == 2


def test_the_search_for_bad_addresses_is_bounded(driver_of, modbus):
    asked = []

    def refuse(request):
        asked.append(request)
        return answer_to(request, bytes([request[7] | 0x80, 2]))

    with ScriptedPeer(refuse) as peer:
        driver = modbus(peer, timeout_s=2)
        specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
        readings = driver.read(specs)
        assert {r.error for r in readings} == {
            f"holding:{n}: illegal data address." for n in range(100)
        }
        assert len(asked) <= 1 + EXTRA_REQUESTS
        driver.close()


@pytest.mark.parametrize(
    ("code", "name"),
    [(5, "acknowledged, not done yet"), (6, "device busy"), (99, "exception 99")],
)
def test_another_exception_is_named_in_every_reading_of_the_block(code, name, modbus):
    asked = []

    def refuse(request):
        asked.append(request)
        return answer_to(request, bytes([request[7] | 0x80, code]))

    with ScriptedPeer(refuse) as peer:
        driver = modbus(peer)
        readings = driver.read([STATE, SPEED])
        assert [r.error for r in readings] == [f"input:0: {name}.", f"input:2: {name}."]
        assert len(asked) == 1
        assert driver.connected
        driver.close()


def with_a_hole(asked, hole, code, *, seconds=0.0):
    """A device that refuses to be read across one address, and answers after so long."""

    def answer(request):
        asked.append(request)
        time.sleep(seconds)
        start, count = struct.unpack(">HH", request[8:12])
        if start <= hole < start + count:
            return answer_to(request, bytes([request[7] | 0x80, code]))
        return registers_for(request, *range(start, start + count))

    return answer


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_whatever_a_device_says_of_a_hole_costs_one_reading_and_is_learned(code, modbus):
    asked = []
    with ScriptedPeer(with_a_hole(asked, 50, code)) as peer:
        driver = modbus(peer, timeout_s=2)
        specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
        for _ in range(2):
            assert [r.value for r in driver.read(specs)] == [*range(50), None, *range(51, 100)]
        before = len(asked)
        driver.read(specs)
        assert len(asked) - before == 2
        driver.close()


def test_a_device_that_fails_for_a_moment_is_read_whole_again(modbus):
    asked, failing = [], [True]

    def answer(request):
        asked.append(request)
        start, count = struct.unpack(">HH", request[8:12])
        if failing:
            return answer_to(request, bytes([request[7] | 0x80, 4]))
        return registers_for(request, *range(start, start + count))

    with ScriptedPeer(answer) as peer:
        driver = modbus(peer, timeout_s=2)
        specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
        assert {r.error[-16:] for r in driver.read(specs)} == {" device failure."}
        assert len(asked) <= 1 + EXTRA_REQUESTS
        before = len(asked)
        driver.read(specs)
        assert len(asked) - before == 1
        failing.clear()
        assert [r.value for r in driver.read(specs)] == list(range(100))
        assert len(asked) - before == 2
        driver.close()


def test_the_search_for_a_bad_address_ends_on_a_slow_device(modbus):
    asked = []
    with ScriptedPeer(with_a_hole(asked, 63, 2, seconds=0.05)) as peer:
        driver = modbus(peer, timeout_s=0.5)
        specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(64)]
        for _ in range(4):
            readings = driver.read(specs)
        assert [r.value for r in readings] == [*range(63), None]
        before = len(asked)
        driver.read(specs)
        assert len(asked) - before == 1
        driver.close()


@pytest.mark.parametrize("code", [10, 11])
def test_a_device_that_its_gateway_does_not_reach_is_left_alone(code, modbus):
    asked = []

    def gateway(request):
        asked.append(request[6])
        if request[6] == 2:
            return answer_to(request, bytes([request[7] | 0x80, code]))
        return registers_for(request, request[6])

    with ScriptedPeer(gateway) as peer:
        driver = modbus(peer, timeout_s=2)
        specs = [TagSpec("holding:0", DataType.UINT16, device_id=n) for n in (1, 2, 3)]
        # Two blocks of it are not asked for one after the other.
        specs += [TagSpec("holding:900", DataType.UINT16, device_id=2)]
        for _ in range(3):
            one, two, three, far = driver.read(specs)
            assert (one.value, two.value, three.value, far.value) == (1, None, 3, None)
            assert two.quality is Quality.BAD
        assert (asked.count(2), asked.count(1), asked.count(3)) == (1, 3, 3)
        assert peer.connections == 1
        assert driver.connected
        driver.close()


def test_a_device_alone_that_its_gateway_does_not_reach_is_a_lost_link(modbus):
    with ScriptedPeer(lambda r: answer_to(r, bytes([r[7] | 0x80, 11]))) as peer:
        driver = modbus(peer)
        with pytest.raises(LinkDown, match=r"Device 1 at .*: gateway target did not answer\."):
            driver.read([STATE])


def test_a_short_reply_is_no_value(modbus):
    with ScriptedPeer(lambda request: registers_for(request, 1)) as peer:
        driver = modbus(peer)
        (reading,) = driver.read([SPEED])
        assert reading.quality is Quality.BAD
        assert reading.error == "input:2: 1 values came where 2 were due."
        driver.close()


def test_a_float_that_is_no_number_is_bad_and_its_neighbour_good(modbus):
    with ScriptedPeer(lambda request: registers_for(request, 0, 0x7FC0, 0, 9)) as peer:
        driver = modbus(peer)
        speed, total = driver.read([SPEED, TagSpec("input:4", DataType.UINT32)])
        assert (speed.value, speed.error) == (None, "input:2 is not a number.")
        assert total.value == 9
        driver.close()


def test_a_device_that_dropped_off_is_read_again_after_it_came_back(device, modbus):
    device.set("Total", 12)
    driver = modbus(device)
    assert driver.read([TOTAL])[0].value == 12
    device.stop()
    with pytest.raises(LinkDown):
        driver.read([TOTAL])
    with pytest.raises(LinkDown, match="refused the connection"):
        driver.open()
    device.start()
    driver.open()
    assert driver.read([TOTAL])[0].value == 12
    assert (device.stats.connections, device.stats.writes) == (2, 0)


def test_a_wrong_address_is_a_bad_reading_and_asks_nothing(device, modbus):
    driver = modbus(device)
    (reading,) = driver.read([TagSpec("40001", DataType.INT16)])
    assert "write it zero-based, as holding:0" in reading.error
    assert device.stats.functions.total() == 0


def test_a_device_that_answers_single_registers_only_is_asked_so(device, modbus):
    driver = modbus(device, max_gap=0, max_registers=2)
    assert {r.quality for r in driver.read([STATE, SPEED, TOTAL, REJECT])} == {Quality.GOOD}
    assert device.stats.functions[4] == 4


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.write_register(100, 5),
        lambda client: client.write_coil(3, True),
        lambda client: client.read_exception_status(),
        lambda client: client.report_device_id(),
        lambda client: client.diag_query_data(b"\x01\x02"),
        lambda client: client.mask_write_register(address=100),
        lambda client: client.read_device_information(),
    ],
    ids=["6", "5", "7", "17", "8", "22", "43"],
)
def test_whatever_is_no_read_is_counted_by_the_simulated_device(ask, device, writes_on_purpose):
    with ModbusTcpClient("127.0.0.1", port=device.port, timeout=1, retries=0) as client:
        ask(client)
    assert device.get("Word") == 0
    assert device.stats.writes == 1


def test_an_unknown_function_is_counted_by_the_simulated_device(device, writes_on_purpose):
    with socket.create_connection(("127.0.0.1", device.port), timeout=1) as client:
        client.sendall(bytes([0, 1, 0, 0, 0, 2, 1, 0x66]))
        assert client.recv(100)[7] & 0x80
    assert device.stats.writes == 1


def test_parts_that_are_only_given_apart_are_learned(device, modbus):
    driver = modbus(device)
    for requests in (3, 2, 2):
        before = driver.load.requests
        assert {r.quality for r in driver.read([STATE, SPEED, TOTAL])} == {Quality.GOOD}
        assert driver.load.requests - before == requests


def test_a_bad_address_is_not_asked_for_again_while_another_is_given(device, modbus):
    driver = modbus(device)
    missing = TagSpec("input:900", DataType.UINT16)
    for requests in (2, 1, 1):
        before = driver.load.requests
        good, bad = driver.read([STATE, missing])
        assert (good.quality, bad.quality) == ("good", "bad")
        assert bad.error == "input:900: illegal data address."
        assert driver.load.requests - before == requests


def test_of_addresses_that_are_all_bad_one_is_asked_for_at_each_poll(device, modbus):
    driver = modbus(device)
    specs = [TagSpec(f"input:{n}", DataType.UINT16) for n in (500, 700, 900)]
    for requests in (3, 1, 1):
        before = driver.load.requests
        assert {r.quality for r in driver.read(specs)} == {Quality.BAD}
        assert driver.load.requests - before == requests
    device.stop()
    with pytest.raises(LinkDown):
        driver.read(specs)


def test_a_port_that_is_taken_is_an_error_of_the_simulated_device(device):
    second = ModbusServer([Place("State", "input", 0)], port=device.port)
    with pytest.raises(OSError, match="cannot be listened on"):
        second.start()
