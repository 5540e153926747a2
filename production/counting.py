"""A counter's movement becomes an increment: baseline, rollover, reset or jump (pure)."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from production.observation import CounterReading

MARGIN = 1.5
"""How much faster than its maximum a counter may seem, since readings are not taken on the dot."""
SLACK = 2
"""Pieces that may have fallen between the clock of the counter and ours."""
BLIND_SHARE = 0.1
"""Of its modulus: the largest rollover that is believed of a counter of unknown speed."""
LARGEST = 2**63 - 1
MOST = 10**9
"""Pieces between two readings that are believed at all; more are no pieces, whatever the speed."""


class Decision(StrEnum):
    """How a movement was read. The same words as the choices of `Count.decision`."""

    BASELINE = "baseline"
    COUNTED = "counted"
    ROLLOVER = "rollover"
    RESET = "reset"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class CounterState:
    """Where a counter stood, when it was read, and at which reading it last counted; None: nobody knows."""

    value: int
    read_at: datetime
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The increment made in `(after, at]`, and why it is what it is."""

    quantity: int
    decision: Decision
    value: int
    value_before: int | None
    after: datetime | None
    at: datetime
    moved_at: datetime | None = None
    """At which reading it last counted, this one included."""

    @property
    def state(self) -> CounterState:
        """Where the counter stands after the step."""
        return CounterState(self.value, self.at, self.moved_at)

    @property
    def is_noteworthy(self) -> bool:
        """Whether somebody may want to see it: it counted, or it is not an ordinary movement."""
        return self.quantity > 0 or self.decision is not Decision.COUNTED


def step(before: CounterState | None, reading: CounterReading, at: datetime) -> Step | None:
    """Return what the reading adds, or None when it is refused and the counter stays as it was.

    Refused are negative values, values beyond 63 bits, and a reading not newer than the one before.
    A drop is a rollover if the modular increment is plausible, else a reset, which counts the new value
    if the setting says so and that many are plausible. A rise that is not plausible is a jump and
    counts nothing, and neither does any increment above `MOST`. The first value seen is a baseline.
    """
    value = reading.value
    if not 0 <= value <= LARGEST:
        return None
    if before is None:
        return Step(0, Decision.BASELINE, value, None, None, at)
    if at <= before.read_at:
        return None
    most = _most(reading, at - before.read_at)
    quantity, decision = _read(before.value, reading, most)
    if quantity > MOST:
        quantity, decision = 0, Decision.JUMP
    # What moved and was not believed, or not counted, leaves unknown when the last piece was made.
    unmoved = before.moved_at if value == before.value else None
    moved_at = at if quantity else unmoved
    return Step(quantity, decision, value, before.value, before.read_at, at, moved_at)


def _most(reading: CounterReading, elapsed: timedelta) -> float:
    """Return the largest plausible increment; infinite when the counter's speed is not known."""
    if reading.max_per_minute is None:
        return math.inf
    return reading.max_per_minute * elapsed.total_seconds() / 60 * MARGIN + SLACK


def _read(before: int, reading: CounterReading, most: float) -> tuple[int, Decision]:
    rise = reading.value - before
    if rise >= 0:
        return (rise, Decision.COUNTED) if rise <= most else (0, Decision.JUMP)
    if reading.modulus is not None:
        # Any drop is some rollover: without a speed only a short way past the top is believed.
        limit = most if most < math.inf else reading.modulus * BLIND_SHARE
        if (turned := rise % reading.modulus) <= limit:
            return turned, Decision.ROLLOVER
    is_counted = reading.count_after_reset and reading.value <= most
    return (reading.value if is_counted else 0), Decision.RESET
