"""One address read once, in every way in which it could be meant."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, replace

from telemetry.address import AddressError, ModbusAddress, parse_modbus
from telemetry.drivers.base import (
    ByteOrder,
    DataType,
    Endpoint,
    LinkDown,
    Reading,
    TagSpec,
)
from telemetry.reach import driver_at

log = logging.getLogger(__name__)

_ONE_REGISTER = {
    DataType.BOOL,
    DataType.INT16,
    DataType.UINT16,
    DataType.INT8,
    DataType.UINT8,
}
_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read an address. `chosen` is the one that was asked for."""

    spec: TagSpec
    reading: Reading
    chosen: bool


def ways(protocol: str, spec: TagSpec) -> list[TagSpec]:
    """Return the ways in which an address could be meant, the one asked for first.

    On Modbus those are the four byte orders, and the register before: a manual that counts from one means
    that one. Elsewhere there is no other way.
    """
    if not protocol.startswith("modbus"):
        return [spec]
    try:
        place = parse_modbus(spec.address)
    except AddressError:
        return [spec]
    found = [spec]
    for address in (place, _before(place)):
        if address is None:
            continue
        orders = list(ByteOrder)
        if place.table.of_bits:
            orders = [spec.word_order]
        elif spec.data_type in _ONE_REGISTER:
            orders = [ByteOrder.ABCD, ByteOrder.BADC]
        found += [replace(spec, address=str(address), word_order=order) for order in orders]
    return list(dict.fromkeys(found))


def _before(place: ModbusAddress) -> ModbusAddress | None:
    return replace(place, number=place.number - 1) if place.number else None


def probe(endpoint: Endpoint, spec: TagSpec) -> list[Way]:
    """Read the address once in every way, over one connection of its own. Raises LinkDown.

    A way that cannot be read is a bad reading and ends no other one; a device that leaves out the register
    before may answer with an error for it.
    """
    driver = driver_at(endpoint)
    found: list[Way] = []
    try:
        for each in ways(endpoint.protocol, spec):
            driver.open()
            (reading,) = driver.read([each])
            found.append(Way(each, reading, chosen=each == spec))
    except LinkDown:
        if not found:
            raise
    finally:
        driver.close()
    return found


def probed(endpoint: Endpoint, spec: TagSpec) -> list[Way]:
    """Return the same within a bounded time, in a thread of its own; empty when nothing answered.

    Why not goes to the log and not to the caller, who could otherwise explore a network with it.
    """
    many = len(ways(endpoint.protocol, spec))
    pool = ThreadPoolExecutor(1, thread_name_prefix="probe")
    asked = pool.submit(probe, endpoint, spec)
    try:
        return asked.result(timeout=endpoint.timeout_s * (many + 1) + _SLACK_S)
    except (LinkDown, TooLate) as down:
        log.info("a probe got no answer", extra={"host": endpoint.host, "error": str(down)})
        return []
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def checked(endpoint: Endpoint, specs: Sequence[TagSpec]) -> list[Reading]:
    """Return one reading of each spec, over a connection of its own; empty when nothing answered."""
    driver = driver_at(endpoint)
    try:
        driver.open()
        return driver.read(specs)
    except LinkDown as down:
        log.info("a check got no answer", extra={"host": endpoint.host, "error": str(down)})
        return []
    finally:
        driver.close()


def shown(values: Sequence[Way]) -> list[tuple[str, str, str, str]]:
    """Return address, type with byte order, value and quality of each way, as words."""
    return [
        (
            way.spec.address,
            f"{way.spec.data_type.value} {way.spec.word_order.value}",
            "-" if way.reading.value is None else str(way.reading.value),
            way.reading.quality.value + (f": {way.reading.error}" if way.reading.error else ""),
        )
        for way in values
    ]
