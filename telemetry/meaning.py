"""What a tag means, and its raw value in engineering units (pure)."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from ms5.events.facts import State
from telemetry.digits import digits
from telemetry.drivers.base import DataType, Quality, Reading, Value

# What was scaled may be off a whole number by a rounding error of floats.
_WHOLE = 1e-6
_SIGNED: Mapping[DataType | None, int] = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
}
WORD_BITS: Mapping[DataType | None, int] = {
    **_SIGNED,
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
}
"""How many bits a whole number of each type has."""
_LARGEST_SPAN = 1 << 64


class Unclear(ValueError):
    """A reading does not say what its tag is for; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class BitMeaning:
    """What one bit of a message array means; only the kind `fault` is a fault."""

    bit: int
    text: str
    kind: str
    severity: str = "medium"
    source: str = "internal"
    reason_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMeaning:
    """What a tag says about its equipment.

    Engineering value = raw x scale + offset. `state_map` takes the raw number, and counts more than the
    `numbering`, which is empty or one of `telemetry.packml`. `modulus` is raw too, and
    scaled along; `max_per_minute` is in pieces. Without a `data_type` nobody knows how wide the raw number is.
    """

    name: str
    role: str = "none"
    data_type: DataType | None = None
    scale: float = 1
    offset: float = 0
    state_map: Mapping[int, State] = field(default_factory=dict)
    numbering: str = ""
    modulus: int | None = None
    max_per_minute: float | None = None
    count_after_reset: bool = True
    period_s: float = 1.0
    """How often it is read, in seconds."""
    source: str = ""
    """A mark of where and how it is read: under another one its numbers mean something else."""
    bits: tuple[BitMeaning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One state rule: `when` it applies (a `RuleKind`), what it compares with, and the state it tells.

    `within` is how long ago a counter may have moved; None: nobody knows how long a cycle is.
    """

    when: str
    state: State
    number: int | None = None
    above: float | None = None
    within: timedelta | None = None


def known(tag: TagMeaning, reading: Reading) -> Value:
    """The raw value. Raises Unclear for a bad one, with the reading's own sentence."""
    if reading.value is None or reading.quality in {Quality.BAD, Quality.STALE}:
        raise Unclear(reading.error or f"{tag.name} was not read.")
    return reading.value


def engineering(tag: TagMeaning, reading: Reading) -> Value:
    """The value in engineering units; bits, texts and arrays as they are.

    Whole numbers that need no scaling stay exact. Raises Unclear for a bad reading and for a result that
    no float can hold.
    """
    raw = known(tag, reading)
    if isinstance(raw, bool | str | tuple) or raw is None:
        return raw
    if tag.scale == 1 and tag.offset == 0:
        return raw
    value = raw * tag.scale + tag.offset
    if not math.isfinite(value):
        raise Unclear(f"{tag.name} is not a number once scaled.")
    return value


def number(name: str, value: Value) -> float:
    """The value as a number (a bit is 0 or 1). Raises Unclear for texts, arrays, and floats that are none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unclear(f"{name} is not a number.")
    if isinstance(value, bool | int | float):
        return value
    raise Unclear(f"{name} is not a single number.")


def whole(value: float, name: str) -> int:
    """The value as a whole number. Raises Unclear when it is none."""
    nearest = round(value)
    if abs(value - nearest) > _WHOLE * max(1.0, abs(value)):
        raise Unclear(f"{name} is {digits(value)}, not a whole number.")
    return nearest


def scaled_modulus(modulus: int | None, scale: float) -> int | None:
    """Return the pieces at which a counter rolls over; a scale that leaves none means that it does not.

    So does one that makes more than any word holds. Of a modulus that is no whole number of pieces it is the
    whole ones, so that no turn adds a piece.
    """
    if modulus is None:
        return None
    pieces = math.floor(modulus * abs(_exact(scale)))
    return pieces if 2 <= pieces <= _LARGEST_SPAN else None


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a counter's raw number is in whole pieces, and how many of them a signed word can tell apart."""

    value: int
    span: int | None = None


def pieces(tag: TagMeaning, raw: Value) -> Pieces:
    """Return what a counter shows: raw x scale. An offset is of no meaning to what counts movements.

    A word that is signed is read on past its top: its negative half follows on the positive, up to the
    modulus where it has one. Of a whole number that scales to a part of a piece the whole ones count, exactly
    as the scale was written; a float must be whole. Raises Unclear for what is no number.
    """
    if not isinstance(raw, int):
        scaled = number(tag.name, raw) * tag.scale
        if not math.isfinite(scaled):
            raise Unclear(f"{tag.name} is not a number once scaled.")
        return Pieces(whole(scaled, tag.name))
    bits = _SIGNED.get(tag.data_type)
    size = None if bits is None else 1 << bits
    if raw < 0:
        size = tag.modulus or size
    shown = raw if raw >= 0 or size is None else raw % size
    return Pieces(math.floor(shown * _exact(tag.scale)), scaled_modulus(size, tag.scale))


@functools.cache
def _exact(scale: float) -> Fraction:
    """Return the number that was written, of which a float is only the nearest. Raises Unclear for none."""
    if not math.isfinite(scale):
        raise Unclear(f"{scale:g} is no scale.")
    return Fraction(repr(scale))
