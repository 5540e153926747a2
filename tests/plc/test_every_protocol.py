"""What every driver over a network does the same."""

import pytest

from telemetry.drivers import driver_for
from telemetry.drivers.base import DataType, Endpoint, LinkDown, TagSpec
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory
from telemetry.simulator.modbus import ModbusServer, Place
from telemetry.simulator.slc import DataFiles, SlcServer

PLACES = [Place("Total", "holding", 0, "int16")]
SERVERS = {
    "logix": (lambda: LogixServer(Memory([("Total", "INT", 1)]), host="::1"), "Total"),
    "slc": (
        lambda: SlcServer(DataFiles(["N7:0"]), names={"Total": "N7:0"}, host="::1"),
        "N7:0",
    ),
    "modbus_tcp": (lambda: ModbusServer(PLACES, host="::1"), "holding:0"),
    "modbus_rtu_tcp": (lambda: ModbusServer(PLACES, host="::1", rtu=True), "holding:0"),
}


@pytest.mark.parametrize("protocol", SERVERS)
def test_a_controller_is_read_at_an_address_of_ipv6(protocol):
    make, address = SERVERS[protocol]
    server = make()
    server.start()
    driver = driver_for(Endpoint(protocol, "::1", server.port))
    try:
        server.set("Total", 42)
        driver.open()
        assert driver.read([TagSpec(address, DataType.INT16)])[0].value == 42
    finally:
        driver.close()
        server.stop()
    with pytest.raises(LinkDown, match=rf"^\[::1\]:{server.port} refused"):
        driver.open()
