"""How long a delivery may take, when it is tried again, and when it is given up (pure)."""

from datetime import timedelta

DEADLINE_S = 15.0
"""One attempt, from the first look for the name until the last byte of the answer."""
LEASE = timedelta(seconds=60)
"""How long a delivery is its sender's: beyond every deadline, so that no two living ones send it."""
GIVEN_UP_AFTER = 10
"""Failures after which a delivery is dead."""

_WAITS_S = (10, 30, 120, 600, 1200, 1200, 1200, 1800, 1800)
"""After the first failure, after the second, ...: an outage of two hours is sat out."""


def wait_after(failures: int, spread: float) -> timedelta | None:
    """Return how long to wait after so many failures, None when it is given up.

    `spread` in [0, 1) adds up to a tenth, so that what failed together does not come back together.
    """
    if failures >= GIVEN_UP_AFTER:
        return None
    return timedelta(seconds=_WAITS_S[max(failures, 1) - 1] * (1 + spread / 10))


def spread_of(key: str) -> float:
    """Return a number in [0, 1) that belongs to the key."""
    return (sum(ord(letter) * (place + 1) for place, letter in enumerate(key)) % 97) / 97
