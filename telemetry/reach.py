"""Which addresses a controller may have: checked when its row is saved, and again whenever it is connected.

Without that, whoever may edit a controller could have the server knock at any door of any network.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from telemetry.drivers import driver_for
from telemetry.drivers.base import Driver, Endpoint, LinkDown, Load, Reading, TagSpec
from telemetry.names import looked_up

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadReach(ValueError):
    """The settings name what is no network or no port; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The networks and ports in which controllers may be."""

    networks: tuple[Network, ...]
    ports: tuple[range, ...]

    def error(self, address: Address, port: int) -> str:
        """Say why nothing may be connected there; empty when it may."""
        mapped = getattr(address, "ipv4_mapped", None)
        if not any((mapped or address) in network for network in self.networks):
            return f"{address} is in none of the networks in which controllers may be (MS5_PLC_NETWORKS)."
        if not any(port in ports for ports in self.ports):
            return f"Port {port} is none that controllers may have (MS5_PLC_PORTS)."
        return ""


def reach_of(networks: Iterable[str], ports: Iterable[str]) -> Reach:
    """Return the reach that settings such as `10.1.0.0/16` and `4001-4016` describe. Raises BadReach."""
    try:
        nets = tuple(ipaddress.ip_network(text.strip()) for text in networks if text.strip())
        spans = tuple(_ports(text.strip()) for text in ports if text.strip())
    except ValueError as wrong:
        raise BadReach(str(wrong)) from wrong
    return Reach(nets, spans)


def _ports(text: str) -> range:
    first, dash, last = text.partition("-")
    span = range(int(first), int(last if dash else first) + 1)
    if not span or span[0] < 1 or span[-1] > 0xFFFF:
        raise BadReach(f"'{text}' is no port and no range of ports.")
    return span


def allowed() -> Reach:
    """Return the reach of this installation."""
    return reach_of(settings.PLC_NETWORKS, settings.PLC_PORTS)


def reach_error(host: str, port: int) -> str:
    """Say why a controller may not be saved with this address; empty when it may.

    A name is not resolved here, since it may mean something else by the time it is connected; its port is
    looked at all the same.
    """
    reach = allowed()
    try:
        return reach.error(ipaddress.ip_address(host), port)
    except ValueError:
        inside = any(port in ports for ports in reach.ports)
        return (
            "" if inside else f"Port {port} is none that controllers may have (MS5_PLC_PORTS)."
        )


def reached(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the first address that its name means now and that is allowed.

    What is connected afterwards is that address, so that a name cannot mean another one in between. A
    serial line is of this machine, and no network. Raises LinkDown.
    """
    if endpoint.protocol == "modbus_rtu":
        return endpoint
    found = looked_up(endpoint.host, endpoint.port, endpoint.timeout_s)
    reach, refusals = allowed(), []
    # The resolver may name an IPv6 address first where only IPv4 ones are allowed.
    for *_, socket_address in found:
        address = str(socket_address[0]).partition("%")[0]
        refusal = reach.error(ipaddress.ip_address(address), endpoint.port)
        if not refusal:
            return replace(endpoint, host=address)
        refusals.append(refusal)
    raise LinkDown(refusals[0])


class ReachedDriver:
    """A driver that looks where it connects each time that it does; else it is the protocol's own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._at: Endpoint | None = None
        self._driver: Driver | None = None
        self._before = Load()
        """What reading has cost at other addresses of the name."""

    @property
    def connected(self) -> bool:
        return self._driver is not None and self._driver.connected

    @property
    def load(self) -> Load:
        before, now = self._before, Load() if self._driver is None else self._driver.load
        return Load(before.requests + now.requests, before.bytes + now.bytes)

    @property
    def program(self) -> str:
        return "" if self._driver is None else self._driver.program

    def open(self) -> None:
        if self._driver is None or not self._driver.connected:
            at = reached(self.endpoint)
            # What a driver has learned of its device is worth keeping while the device is the same.
            if self._driver is None or at != self._at:
                self._before = self.load
                self._driver, self._at = driver_for(at), at
        self._driver.open()

    def close(self) -> None:
        if self._driver is not None:
            self._driver.close()

    def read(self, specs: Sequence[TagSpec]) -> list[Reading]:
        if self._driver is None:
            raise LinkDown(f"{self.endpoint.host} is not connected.")
        return self._driver.read(specs)


def driver_at(endpoint: Endpoint) -> Driver:
    """Return the driver for an endpoint, which connects only where controllers may be."""
    return ReachedDriver(endpoint)
