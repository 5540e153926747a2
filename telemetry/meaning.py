"""What a tag means, and its raw value in engineering units (pure)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ms5.events.facts import State
from telemetry.drivers.base import Quality, Reading, Value

# What was scaled may be off a whole number by a rounding error of floats.
_WHOLE = 1e-6


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
    scaled along; `max_per_minute` is in pieces.
    """

    name: str
    role: str = "none"
    scale: float = 1
    offset: float = 0
    state_map: Mapping[int, State] = field(default_factory=dict)
    numbering: str = ""
    modulus: int | None = None
    max_per_minute: float | None = None
    count_after_reset: bool = True
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
    """The value as a number (a bit is 0 or 1). Raises Unclear for texts and arrays."""
    if isinstance(value, bool | int | float):
        return value
    raise Unclear(f"{name} is not a single number.")


def whole(value: float, name: str) -> int:
    """The value as a whole number. Raises Unclear when it is none."""
    nearest = round(value)
    if abs(value - nearest) > _WHOLE * max(1.0, abs(value)):
        raise Unclear(f"{name} is {value:g}, not a whole number.")
    return nearest


def scaled_modulus(modulus: int | None, scale: float) -> int | None:
    """Return the pieces at which a counter rolls over; a scale that leaves none means that it does not."""
    if modulus is None:
        return None
    pieces = round(modulus * abs(scale))
    return pieces if pieces >= 2 else None
