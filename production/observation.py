"""What was seen of an equipment at one moment: the one sentence between telemetry and production."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self, get_args

from ms5.events import facts

STATES = frozenset(get_args(facts.State))
QUALITIES = frozenset({"good", "uncertain", "bad"})
MOST_AHEAD = timedelta(seconds=5)
"""How far a source's clock may be ahead of ours and still be believed."""
LEAST_PRODUCT, MOST_PRODUCT = -(2**31), 2**31 - 1
"""What can be the number of a product: as much as its column holds."""
CODE_ROOM = 100
SOURCE_ROOM = 16
REASON_CODE_ROOM = 40
_UNITS = ((timedelta(days=3), "days"), (timedelta(hours=3), "h"), (timedelta(minutes=3), "min"))


class BadObservation(ValueError):
    """An observation that says something that cannot be; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterReading:
    """What a counter showed, and what is known about how it counts.

    Raises BadObservation for a modulus at which nothing can be counted. What it showed may be any number:
    `production.counting` refuses what is none of a counter.
    """

    kind: str
    """A value of `CountKind`."""
    value: int
    modulus: int | None = None
    """The value at which it rolls over to 0; None when it is not known to."""
    max_per_minute: float | None = None
    """The fastest it can count; None when nothing is known."""
    count_after_reset: bool = True
    """Whether what it shows after a reset are pieces."""
    span: int | None = None
    """How many values it may show, where half a turn and more is a step back: that of a signed word, whose
    negative half is read as what follows on the positive; None when it is not known to be one."""
    read_at: datetime | None = None
    """When it showed that, where it is read more rarely than the equipment; None: with the observation."""
    every: timedelta = timedelta()
    """How often it is read, where that is known."""
    source: str = ""
    """A mark of where it is read, of at most 16 characters: under another one its numbers are another
    counter's. Empty when nobody says."""

    def __post_init__(self) -> None:
        if self.modulus is not None and self.modulus < 1:
            raise BadObservation(f"no counter rolls over at {self.modulus}")
        if self.read_at is not None and self.read_at.tzinfo is None:
            raise BadObservation("the time of a counter has no zone")
        if len(self.source) > SOURCE_ROOM:
            raise BadObservation(f"the mark of a counter's source is too long: {self.source}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultMessage:
    """A fault that is active. Raises BadObservation for codes that are longer than their columns."""

    code: str
    """Tag and bit, such as `Fault[31]`."""
    text: str
    severity: str
    source: str
    reason_code: str = ""

    def __post_init__(self) -> None:
        if len(self.code) > CODE_ROOM or len(self.reason_code) > REASON_CODE_ROOM:
            raise BadObservation(f"the code of the fault {self.code[:CODE_ROOM]} is too long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One reading of an equipment. A test or a person can say it as well as a controller.

    Raises BadObservation for a time without a zone, an unknown state or an unknown quality, and for a speed
    or a number of a product that no column holds: what is written of one equipment is written with its line.
    """

    equipment_id: int
    source_at: datetime
    """When it was so: when the controller answered."""
    received_at: datetime
    held_from: datetime | None = None
    """Since when it was so, where a source kept a history of its own; None: it was so at `source_at`."""
    quality: str
    """good, uncertain or bad. By a bad one nothing is known: it does not move `last_good_at`."""
    state: str | None = None
    """None: this reading does not tell the state."""
    reason: str = ""
    """A sentence, such as why the quality is bad; the same for as long as it is so."""
    speed: float | None = None
    """Pieces a minute."""
    counters: tuple[CounterReading, ...] = ()
    counts: frozenset[str] | None = None
    """The kinds that the equipment has counters of, read this time or not; None: those that were ever read."""
    product_number: int | None = None
    """The number by which the controller names the product; None: it was not read."""
    changeover: bool | None = None
    """Whether the controller's changeover bit is on; None: it was not read."""
    faults: tuple[FaultMessage, ...] | None = None
    """All faults that are active; None: the message bits were not read."""

    def __post_init__(self) -> None:
        if self.source_at.tzinfo is None or self.received_at.tzinfo is None:
            raise BadObservation("an observation's times need a time zone")
        if self.held_from is not None and (
            self.held_from.tzinfo is None or self.held_from > self.source_at
        ):
            raise BadObservation(
                "what an observation says held from a time before it, in a zone"
            )
        if self.quality not in QUALITIES:
            raise BadObservation(f"{self.quality!r} is not a quality")
        if self.state is not None and self.state not in STATES:
            raise BadObservation(f"{self.state!r} is not a state")
        if self.speed is not None and not math.isfinite(self.speed):
            raise BadObservation(f"{self.speed} is not a speed")
        if self.product_number is not None and not is_product(self.product_number):
            raise BadObservation(f"{self.product_number} is not the number of a product")

    @property
    def is_good(self) -> bool:
        """Whether something is known by it; an uncertain reading still is one."""
        return self.quality != "bad"

    def believed(self) -> Self:
        """Return it, or a bad one of the time when it came where its source's clock is too far ahead.

        What is said to be so in an hour is not known now, and would make all that follows seem old.
        """
        ahead = self.source_at - self.received_at
        if ahead <= MOST_AHEAD:
            return self
        return replace(
            self,
            source_at=self.received_at,
            held_from=None,
            quality="bad",
            reason=f"the source's clock is {_length(ahead)} ahead",
        )


def is_product(number: int) -> bool:
    """Whether a product can have this number."""
    return LEAST_PRODUCT <= number <= MOST_PRODUCT


def _length(ahead: timedelta) -> str:
    """Return a length in a unit so coarse that it stays the same from reading to reading."""
    for least, unit in _UNITS:
        if ahead >= least:
            return f"{ahead / (least / 3):.0f} {unit}"
    return f"{ahead.total_seconds():.0f} s"
