"""Drivers: the only place that knows the vendors' libraries."""

from typing import assert_never

from telemetry.drivers.base import Driver, Endpoint


def driver_for(endpoint: Endpoint) -> Driver:
    """The driver, not yet open, that speaks the endpoint's protocol.

    The import is here and not above so that the pure modules, which import
    `telemetry.drivers.base`, do not load the vendors' libraries with it.
    """
    match endpoint.protocol:
        case "logix":
            from telemetry.drivers.logix import LogixReader  # noqa: PLC0415  (see above)

            return LogixReader(endpoint)
        case "slc":
            from telemetry.drivers.slc import SlcReader  # noqa: PLC0415  (see above)

            return SlcReader(endpoint)
        case "modbus_tcp" | "modbus_rtu" | "modbus_rtu_tcp":
            from telemetry.drivers.modbus import ModbusReader  # noqa: PLC0415  (see above)

            return ModbusReader(endpoint)
        case _:
            assert_never(endpoint.protocol)
