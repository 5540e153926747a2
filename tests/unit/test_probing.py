"""In which ways an address could be meant, and what is told of a controller that is asked once."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from telemetry.drivers.base import ByteOrder, DataType, Endpoint, TagSpec
from telemetry.probing import probed, shown, ways
from tests.controllers import modbus


def told(protocol, address, data_type):
    found = ways(protocol, TagSpec(address, DataType(data_type)))
    return [(each.address, each.word_order.value) for each in found]


def test_a_modbus_number_is_tried_in_every_byte_order_and_one_register_before():
    orders = [order.value for order in ByteOrder]
    assert told("modbus_tcp", "holding:7", "float32") == [
        *(("holding:7", order) for order in orders),
        *(("holding:6", order) for order in orders),
    ]
    assert told("modbus_rtu", "input:0", "uint16") == [("input:0", "ABCD"), ("input:0", "BADC")]
    assert told("modbus_tcp", "holding:0.3", "bool") == [
        ("holding:0.3", "ABCD"),
        ("holding:0.3", "BADC"),
    ]
    assert told("modbus_tcp", "coil:3", "bool") == [("coil:3", "ABCD"), ("coil:2", "ABCD")]


def test_elsewhere_there_is_one_way():
    assert told("logix", "Speed", "float32") == [("Speed", "ABCD")]
    assert told("slc", "N7:0", "int16") == [("N7:0", "ABCD")]
    assert told("modbus_tcp", "nonsense", "int16") == [("nonsense", "ABCD")]


@pytest.fixture
def device():
    with modbus([("speed", "holding", 10, "float32")], {"speed": 80.5}) as server:
        yield server


def test_every_way_is_read_and_shown(device):
    endpoint = Endpoint("modbus_tcp", "127.0.0.1", device.port, timeout_s=5)
    rows = shown(probed(endpoint, TagSpec("holding:10", DataType.FLOAT32)))
    assert rows[0] == ("holding:10", "float32 ABCD", "80.5", "good")
    assert {row[1].split()[1] for row in rows} == {"ABCD", "CDAB", "BADC", "DCBA"}
    assert {row[0] for row in rows} == {"holding:10", "holding:9"}


def test_one_that_does_not_answer_tells_nothing(device):
    port = device.port
    device.stop()
    endpoint = Endpoint("modbus_tcp", "127.0.0.1", port, timeout_s=0.5)
    assert probed(endpoint, TagSpec("holding:10", DataType.FLOAT32)) == []


def test_the_command_shows_value_type_and_quality(device):
    out = StringIO()
    said = {"protocol": "modbus_tcp", "port": device.port, "timeout": 5.0, "stdout": out}
    call_command("probe", "127.0.0.1", "holding:10", **said)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["holding:10", "float32", "ABCD", "80.5", "good"] in lines
    with pytest.raises(CommandError, match="one-based"):
        call_command("probe", "127.0.0.1", "40011", **said)


def test_the_command_says_why_nothing_was_read(settings):
    settings.PLC_NETWORKS = ["10.0.0.0/8"]
    with pytest.raises(CommandError, match="none of the networks"):
        call_command(
            "probe", "127.0.0.1", "holding:1", protocol="modbus_tcp", stdout=StringIO()
        )


@pytest.mark.parametrize("timeout", ["inf", "nan", "1e300", "-1", "0", "soon"])
def test_the_command_refuses_a_timeout_that_is_none(timeout):
    with pytest.raises(CommandError, match="no time of more than 0 and up to 30 s"):
        call_command(
            *("probe", "127.0.0.1", "holding:1", "--protocol=modbus_tcp"),
            f"--timeout={timeout}",
        )
