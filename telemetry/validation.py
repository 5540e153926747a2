"""Sentences for a person who configures a tag: what is wrong with an address, a modulus or a state map."""

from collections.abc import Mapping

from production.choices import State
from telemetry.address import AddressError, logix_target
from telemetry.choices import Protocol, Role
from telemetry.drivers.base import TagSpec
from telemetry.interpret import COUNTER_ROLES
from telemetry.meaning import scaled_modulus
from telemetry.plan import modbus_point, slc_point


def address_error(protocol: str, spec: TagSpec) -> str:
    """Say why the protocol cannot read this address as this type; empty when it can."""
    try:
        match Protocol(protocol):
            case Protocol.LOGIX:
                logix_target(spec)
            case Protocol.SLC:
                slc_point(0, spec)
            case _:
                modbus_point(0, spec)
    except AddressError as wrong:
        return str(wrong)
    return ""


def modulus_error(modulus: int | None, scale: float | None) -> str:
    """Say why a counter cannot roll over there; empty when it can, or does not."""
    # A form that has refused one of them still comes here, with none.
    if modulus is not None and scale is not None and scaled_modulus(modulus, scale) is None:
        return f"With the scale {scale:g} it would roll over at less than two pieces, or never."
    return ""


def scale_error(role: str, scale: float | None) -> str:
    """Say why a counter of this scale would count nothing; empty when it counts, or is no counter."""
    if role in COUNTER_ROLES and scale is not None and scale <= 0:
        return f"With the scale {scale:g} it would count nothing; a piece is more than zero."
    return ""


def state_map_error(role: str, state_map: object, numbering: str = "") -> str:
    """Say what is wrong with a state map; empty when it is well, or of another role and empty."""
    if not isinstance(state_map, Mapping):
        return 'A state map is an object such as {"1": "running"}.'
    if role == Role.STATE_WORD and not state_map and not numbering:
        return "A state word needs a state map."
    numbers = set()
    for raw, state in state_map.items():
        try:
            number = int(raw)
        except ValueError:
            return f"'{raw}' in the state map is not a whole number."
        if number in numbers:
            return f"{number} stands in the state map twice."
        numbers.add(number)
        if state not in State.values:
            return f"'{state}' is not a state; the states are {', '.join(State.values)}."
    return ""
