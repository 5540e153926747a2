"""Where controllers may be: networks and ports, looked at again whenever one is connected."""

import ipaddress
import socket

import pytest

from telemetry import reach
from telemetry.checks import reach_is_told
from telemetry.drivers.base import DataType, Endpoint, LinkDown, TagSpec
from telemetry.simulator.modbus import ModbusServer, Place


@pytest.fixture(autouse=True)
def _narrow(settings):
    settings.PLC_NETWORKS = ["10.1.0.0/16", "127.0.0.0/8", "fd00::/8"]
    settings.PLC_PORTS = ["44818", "502", "4001-4016"]


@pytest.mark.parametrize(
    ("address", "port", "allowed"),
    [
        ("10.1.2.3", 502, True),
        ("10.2.2.3", 502, False),
        ("127.0.0.1", 44818, True),
        ("127.0.0.1", 22, False),
        ("127.0.0.1", 4001, True),
        ("127.0.0.1", 4016, True),
        ("127.0.0.1", 4017, False),
        ("169.254.169.254", 502, False),
        ("::ffff:10.1.2.3", 502, True),
        ("::ffff:8.8.8.8", 502, False),
        ("fd12::1", 502, True),
        ("2001:db8::1", 502, False),
    ],
)
def test_an_address_is_allowed_by_network_and_port(address, port, allowed):
    assert (reach.allowed().error(ipaddress.ip_address(address), port) == "") is allowed
    assert (reach.reach_error(address, port) == "") is allowed


def test_of_a_name_only_the_port_is_looked_at_when_it_is_saved():
    assert reach.reach_error("plc7.packing", 502) == ""
    assert "Port 80 is none" in reach.reach_error("plc7.packing", 80)


def test_a_name_is_resolved_once_and_its_address_is_connected():
    told = reach.reached(Endpoint("modbus_tcp", "localhost", 502))
    assert told.host == "127.0.0.1"


@pytest.fixture
def resolver(monkeypatch):
    """Makes every name mean these addresses, in this order."""

    def mean(*addresses):
        found = [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, 502))
            for each in addresses
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return mean


def test_the_first_allowed_address_of_a_name_is_connected(resolver):
    resolver("2001:db8::7", "10.2.0.1", "10.1.2.3", "10.1.2.4")
    assert reach.reached(Endpoint("modbus_tcp", "plc7.packing", 502)).host == "10.1.2.3"


def test_a_name_without_an_allowed_address_says_why_its_first_is_none(resolver):
    resolver("2001:db8::7", "10.2.0.1")
    with pytest.raises(LinkDown, match="2001:db8::7 is in none of the networks"):
        reach.reached(Endpoint("modbus_tcp", "plc7.packing", 502))


def test_what_a_name_means_now_is_looked_at_when_it_is_connected(settings):
    settings.PLC_NETWORKS = ["10.1.0.0/16"]
    driver = reach.driver_at(Endpoint("modbus_tcp", "localhost", 502))
    with pytest.raises(LinkDown, match="none of the networks"):
        driver.open()
    assert not driver.connected
    with pytest.raises(LinkDown, match="is not connected"):
        driver.read([])
    driver.close()


def test_what_reading_has_cost_only_grows_whatever_a_name_means(monkeypatch, settings):
    means = {}

    def look_up(host, port, *_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (means.get(host, host), port))]

    settings.PLC_PORTS = ["1-65535"]
    server = ModbusServer([Place("Total", "holding", 0)], host="0.0.0.0")  # noqa: S104
    server.start()
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        driver = reach.driver_at(Endpoint("modbus_tcp", "plc7.packing", server.port))
        spent = []
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
            means["plc7.packing"] = address
            driver.open()
            driver.read([TagSpec("holding:0", DataType.UINT16)])
            spent.append((driver.load.requests, driver.load.bytes))
            driver.close()
    finally:
        server.stop()
    assert spent == [(1, 23), (2, 46), (3, 69)]


def test_a_serial_line_is_no_network(settings):
    settings.PLC_NETWORKS = []
    line = Endpoint("modbus_rtu", "/dev/ttyUSB0", 502)
    assert reach.reached(line) is line


@pytest.mark.parametrize(
    ("networks", "ports"),
    [
        (["10.1.2.3/8"], ["502"]),
        (["nowhere"], ["502"]),
        ([], ["0"]),
        ([], ["9-3"]),
        ([], ["x"]),
    ],
)
def test_settings_that_are_no_networks_or_ports_are_refused(settings, networks, ports):
    settings.PLC_NETWORKS, settings.PLC_PORTS = networks, ports
    assert [error.id for error in reach_is_told()] == ["ms5.E007"]
