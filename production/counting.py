"""A counter's movement becomes an increment: baseline, rollover, reset, jump or a return (pure)."""

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
TO_ZERO = 20
"""The largest rollover to exactly zero that is believed: a reading seldom hits it by more, and a loss of power
always does."""
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
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class CounterState:
    """Where a counter stood, when it was read, and at which reading it last counted; None: nobody knows."""

    value: int
    read_at: datetime
    moved_at: datetime | None = None
    away_from: int | None = None
    """Where it stood before it went to zero, or jumped, until it moves again."""
    begins_anew: bool = False
    """Whether its next value is a baseline, since by now it may count something else."""
    source: str = ""
    """Where it was read; empty: nobody knows."""

    def is_of(self, reading: CounterReading) -> bool:
        """Whether a reading may be compared with it: it does not begin anew, and was read in the same place."""
        is_elsewhere = self.source and reading.source and self.source != reading.source
        return not (self.begins_anew or is_elsewhere)


@dataclass(frozen=True, slots=True)
class Step:
    """The increment made in `(after, at]`, and why it is what it is.

    `value_before` is what the increment is counted from: of a return where the counter had been, else where it
    was read last.
    """

    quantity: int
    decision: Decision
    value: int
    value_before: int | None
    after: datetime | None
    at: datetime
    moved_at: datetime | None = None
    """At which reading it last counted, this one included."""
    away_from: int | None = None
    source: str = ""

    @property
    def state(self) -> CounterState:
        """Where the counter stands after the step."""
        return CounterState(
            self.value, self.at, self.moved_at, self.away_from, source=self.source
        )

    @property
    def is_noteworthy(self) -> bool:
        """Whether somebody may want to see it: it counted, or it is not an ordinary movement."""
        return self.quantity > 0 or self.decision is not Decision.COUNTED


def step(before: CounterState | None, reading: CounterReading, at: datetime) -> Step | None:
    """Return what the reading adds, or None when it is refused and the counter stays as it was.

    Refused are negative values, values beyond 63 bits, and a reading not newer than the one before.
    A drop is a rollover if the modular increment is plausible, else a reset, which counts the new value
    if the setting says so and that many are plausible. A rise that is not plausible is a jump and
    counts nothing, and neither does any increment above `MOST`. The first value seen is a baseline, and so
    is that of a counter which begins anew, or is read elsewhere by now.

    A counter that dropped to zero or jumped may only have been away, as one is whose controller lost its
    power: if its next movement brings it back to where it stood, or plausibly above, it goes on from there.
    """
    value = reading.value
    if not 0 <= value <= LARGEST:
        return None
    if before is not None and at <= before.read_at:
        return None
    source = reading.source or (before.source if before is not None else "")
    if before is None or not before.is_of(reading):
        return Step(0, Decision.BASELINE, value, None, None, at, source=source)
    most = _most(reading, at - before.read_at)
    quantity, decision = _read(before, reading, most)
    if quantity > MOST:
        quantity, decision = 0, Decision.JUMP
    # What moved and was not believed, or not counted, leaves unknown when the last piece was made.
    unmoved = before.moved_at if value == before.value else None
    return Step(
        quantity,
        decision,
        value,
        before.away_from if decision is Decision.RESUMED else before.value,
        before.read_at,
        at,
        at if quantity else unmoved,
        _away_from(before, value, decision),
        source,
    )


def _most(reading: CounterReading, elapsed: timedelta) -> float:
    """Return the largest plausible increment; infinite when the counter's speed is not known."""
    # Half way round, and more is a step back.
    most = math.inf if reading.span is None else (reading.span - 1) // 2
    if reading.max_per_minute is None:
        return most
    return min(most, reading.max_per_minute * elapsed.total_seconds() / 60 * MARGIN + SLACK)


def _read(before: CounterState, reading: CounterReading, most: float) -> tuple[int, Decision]:
    away_from, value = before.away_from, reading.value
    if away_from is not None and _is_back(before.value, away_from, value):
        # A drop to zero that was read as a rollover has counted more than is missing up to here.
        is_counted = before.value == 0 and _turned(away_from, 0, reading, most) is not None
        returned = 0 if is_counted else value - away_from
        if returned <= most:
            return returned, Decision.RESUMED
    rise = value - before.value
    if rise >= 0:
        return (rise, Decision.COUNTED) if rise <= most else (0, Decision.JUMP)
    if (turned := _turned(before.value, value, reading, most)) is not None:
        return turned, Decision.ROLLOVER
    is_counted = reading.count_after_reset and value <= most
    return (value if is_counted else 0), Decision.RESET


def _is_back(stood: int, away_from: int, value: int) -> bool:
    """Whether a value is where the counter stood before it went away, or above: never one further away."""
    return away_from <= value and (stood < away_from or value < stood)


def _turned(before: int, value: int, reading: CounterReading, most: float) -> int | None:
    """Return the pieces of a drop that is a plausible rollover; None for any other."""
    modulus = reading.modulus
    if modulus is None and reading.span is not None and before > reading.span // 2:
        # Only a counter that uses its whole word comes to its upper half.
        modulus = reading.span
    if modulus is None:
        return None
    # Any drop is some rollover: without a speed only a short way past the top is believed.
    limit = most if reading.max_per_minute is not None else min(most, modulus * BLIND_SHARE)
    turned = (value - before) % modulus
    return turned if turned <= (limit if value else min(limit, TO_ZERO)) else None


def _away_from(before: CounterState, value: int, decision: Decision) -> int | None:
    """Return where a counter is away from after a step; None when it is where it counts."""
    if value == before.value:
        return before.away_from
    is_away = value == 0 or decision is Decision.JUMP
    return before.value if is_away else None
