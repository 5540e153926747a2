"""Sentences for a person who configures a tag: what is wrong with an address, a role or a state map."""

from collections.abc import Mapping

from production.choices import State
from telemetry.address import AddressError, logix_target
from telemetry.choices import DataType, Protocol, Role
from telemetry.drivers.base import TagSpec
from telemetry.meaning import scaled_modulus
from telemetry.plan import modbus_point, slc_point

_COUNTERS = {Role.GOOD_COUNT, Role.TOTAL_COUNT, Role.REJECT_COUNT}
_WHOLE_TYPES = set(DataType) - {
    DataType.BOOL,
    DataType.FLOAT32,
    DataType.FLOAT64,
    DataType.STRING,
}


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


def role_error(role: str, data_type: str, length: int) -> str:
    """Say why a value of this type cannot play this role; empty when it can."""
    if role in {Role.NONE, Role.MODE}:
        return ""
    single = length == 1
    is_word = single and data_type in _WHOLE_TYPES
    wrong = {
        "Message bits are an array of bool or one whole number.": role == Role.MESSAGE_BITS
        and not (is_word or data_type == DataType.BOOL),
        "A role is played by one value; this tag is an array.": role != Role.MESSAGE_BITS
        and not single,
        "A text plays no role; it can only be stored.": data_type == DataType.STRING,
        "A state word is a whole number.": role == Role.STATE_WORD and not is_word,
        "A counter is a number, not a bit.": role in _COUNTERS and data_type == DataType.BOOL,
    }
    return next((sentence for sentence, applies in wrong.items() if applies), "")


def modulus_error(modulus: int | None, scale: float | None) -> str:
    """Say why a counter cannot roll over there; empty when it can, or does not."""
    # A form that has refused one of them still comes here, with none.
    if modulus is not None and scale is not None and scaled_modulus(modulus, scale) is None:
        return f"With the scale {scale:g} it would roll over at less than two pieces."
    return ""


def state_map_error(role: str, state_map: object, numbering: str = "") -> str:
    """Say what is wrong with a state map; empty when it is well, or of another role and empty."""
    if not isinstance(state_map, Mapping):
        return 'A state map is an object such as {"1": "running"}.'
    if role == Role.STATE_WORD and not state_map and not numbering:
        return "A state word needs a state map."
    for raw, state in state_map.items():
        try:
            int(raw)
        except ValueError:
            return f"'{raw}' in the state map is not a whole number."
        if state not in State.values:
            return f"'{state}' is not a state; the states are {', '.join(State.values)}."
    return ""
