"""The Modbus driver against devices that behave, and addresses that do not."""

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
    [(1, "illegal function"), (4, "device failure"), (6, "device busy"), (99, "exception 99")],
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


def test_a_write_to_the_simulated_device_is_refused_and_counted(device):
    with ModbusTcpClient("127.0.0.1", port=device.port, timeout=1, retries=0) as client:
        assert client.write_register(100, 5).isError()
    assert device.get("Word") == 0
    assert device.stats.writes == 1


def test_a_port_that_is_taken_is_an_error_of_the_simulated_device(device):
    second = ModbusServer([Place("State", "input", 0)], port=device.port)
    with pytest.raises(OSError, match="cannot be listened on"):
        second.start()
