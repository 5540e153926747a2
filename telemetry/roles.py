"""Of which types a value can be that plays a role: the one table for forms, imports and suggestions (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry.drivers.base import DataType

_BIT = frozenset({DataType.BOOL})
_FLOAT = frozenset({DataType.FLOAT32, DataType.FLOAT64})
_WHOLE = frozenset(DataType) - _BIT - _FLOAT - {DataType.STRING}
_NUMBER = _WHOLE | _FLOAT


@dataclass(frozen=True, slots=True)
class _Part:
    """What can play a role: one value of some types, or an array of some.

    `likely` are the types of one value for which a name is enough to suggest the role. `why` is the sentence
    about a value of any other type.
    """

    can: frozenset[DataType]
    likely: frozenset[DataType]
    why: str
    arrays: frozenset[DataType] = frozenset()


_COUNTER = _Part(_NUMBER, _WHOLE, "A counter is a number, not a bit.")
# A number that is not 0 is a bit that is on, but there are many numbers with such names.
_FLAG = _Part(_BIT | _NUMBER, _BIT, "It is on or off: a bit or a number.")
_PARTS: Mapping[str, _Part] = {
    "running": _FLAG,
    "starved": _FLAG,
    "blocked": _FLAG,
    "changeover": _FLAG,
    "state_word": _Part(_WHOLE, _WHOLE, "A state word is a whole number."),
    "mode": _Part(_WHOLE, _WHOLE, "A mode word is a whole number."),
    "speed": _Part(_NUMBER, _NUMBER, "A speed is a number, not a bit."),
    "good_count": _COUNTER,
    "total_count": _COUNTER,
    "reject_count": _COUNTER,
    "product": _Part(_NUMBER, _WHOLE, "A product is named by a number, not by a bit."),
    "message_bits": _Part(
        _WHOLE | _BIT,
        _WHOLE,
        "Message bits are an array of bool or one whole number.",
        arrays=_BIT,
    ),
}


def can_play(role: str, data_type: str, length: int) -> bool:
    """Whether a value of this type can play the role at all; any can that is only stored."""
    part = _PARTS.get(role)
    return part is None or data_type in (part.can if length == 1 else part.arrays)


def is_likely(role: str, data_type: str, length: int) -> bool:
    """Whether a value of this type is what usually plays the role, so that its name may suggest it."""
    part = _PARTS.get(role)
    return part is not None and data_type in (part.likely if length == 1 else part.arrays)


def role_error(role: str, data_type: str, length: int) -> str:
    """Say why a value of this type cannot play this role; empty when it can."""
    # A form that has refused the type itself still comes here, with any.
    if data_type not in frozenset(DataType) or can_play(role, data_type, length):
        return ""
    if data_type == DataType.STRING:
        return "A text plays no role; it can only be stored."
    part = _PARTS[role]
    if length != 1 and not part.arrays:
        return "A role is played by one value; this tag is an array."
    return part.why


def bits_of(data_type: str, length: int) -> int:
    """Return how many bits can be messages: those of an array of bool or of one whole number, else none."""
    if not can_play("message_bits", data_type, length):
        return 0
    return length if data_type in _BIT else int(data_type.lstrip("uint"))


def bit_error(tag: str, data_type: str, length: int, bit: int) -> str:
    """Say why the tag of this type has no such bit; empty when it has."""
    if data_type not in frozenset(DataType) or bit < (bits := bits_of(data_type, length)):
        return ""
    if not bits:
        many = f"an array of {data_type}" if length > 1 else f"a {data_type}"
        return f"{tag} is {many}; message bits are an array of bool or one whole number"
    return f"{tag} has {bits} bits, of which 0 is the first"
