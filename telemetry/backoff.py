"""How long to leave a PLC alone that does not answer (pure)."""

LONGEST_S = 30.0
LOST_AFTER = 3
"""Failed polls in a row after which a PLC is lost, and periods without an answer."""


def back_off_s(failures: int, jitter: float) -> float:
    """Return the seconds to wait after so many failures in a row: 1, 2, 4, 8, 16, then 30.

    `jitter` in [0, 1) spreads that by a quarter both ways, so that PLCs behind one broken switch are not
    all tried in the same second.
    """
    steady = min(LONGEST_S, 2.0 ** min(max(failures, 1) - 1, 10))
    return steady * (0.75 + jitter / 2)


def is_lost(failures: int, silent_s: float | None, period_s: float) -> bool:
    """Say whether a PLC is lost: three failed polls in a row, or a failed one three periods after an answer.

    `silent_s` are the seconds since it last answered, None when this worker has not heard it yet.
    """
    if failures >= LOST_AFTER:
        return True
    return failures > 0 and silent_s is not None and silent_s >= LOST_AFTER * period_s
