"""Levels with hysteresis: what opens at one limit clears only within another (pure)."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad a figure is; the greater the worse."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """Beyond `opens` the level is reached; from `clears` on it is left. Both are fractions."""

    opens: float
    clears: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of both levels, and on which side of them is bad: above, or below as for a yield."""

    warning: Limit
    critical: Limit
    bad_is_low: bool = False

    def limit(self, level: Level) -> Limit:
        """Return the limit of a level that is not normal."""
        return self.critical if level is Level.CRITICAL else self.warning

    def is_beyond(self, value: float, opens: float) -> bool:
        """Whether the value is worse than the limit; on it, it is not."""
        return value < opens if self.bad_is_low else value > opens

    def is_within(self, value: float, clears: float) -> bool:
        """Whether the value is as good as where the level clears, or better."""
        return value >= clears if self.bad_is_low else value <= clears

    def mistakes(self) -> dict[str, str]:
        """Return what cannot be, as sentences by the field that would have to change; empty is well.

        A level that cleared on the bad side of its own limit would open and clear at one value.
        """
        side = "above" if self.bad_is_low else "below"
        found = {}
        if self.is_beyond(self.warning.clears, self.warning.opens):
            found["warning_clears"] = f"The warning must clear at its limit or {side} it."
        if self.is_beyond(self.critical.clears, self.critical.opens):
            found["critical_clears"] = (
                f"The critical level must clear at its limit or {side} it."
            )
        if not self.is_beyond(self.critical.opens, self.warning.opens):
            found["critical"] = "A warning must come before it is critical."
        return found


def judge(level_now: Level, value: float | None, thresholds: Thresholds) -> Level:
    """Return the level after a figure was read; None, a figure of too few items, changes nothing.

    A level rises as soon as the figure is beyond a limit. It falls only from a level that the figure has
    cleared: from critical to the warning where that one still stands, else to normal.
    """
    if value is None:
        return level_now
    if thresholds.is_beyond(value, thresholds.critical.opens):
        return Level.CRITICAL
    if level_now is Level.CRITICAL and not thresholds.is_within(
        value, thresholds.critical.clears
    ):
        return Level.CRITICAL
    if thresholds.is_beyond(value, thresholds.warning.opens):
        return Level.WARNING
    if level_now > Level.NORMAL and not thresholds.is_within(value, thresholds.warning.clears):
        return Level.WARNING
    return Level.NORMAL
