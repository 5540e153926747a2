"""How often a PLC may be asked: polls are stretched where its caps would be exceeded (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caps:
    """The most requests and bytes (both ways) a second; None is no cap."""

    requests_per_s: float | None = None
    bytes_per_s: float | None = None


def least_period_s(caps: Caps, requests: int, size: int) -> float:
    """The seconds that must lie between two polls that cost so many requests and bytes each."""
    by_requests = requests / caps.requests_per_s if caps.requests_per_s else 0.0
    by_bytes = size / caps.bytes_per_s if caps.bytes_per_s else 0.0
    return max(by_requests, by_bytes)


def stretched(caps: Caps, requests: int, size: int, period_s: float) -> str:
    """How far the caps stretch a period, as a sentence; empty when they do not."""
    least_s = least_period_s(caps, requests, size)
    if least_s <= period_s:
        return ""
    cost = f"{requests} requests" if requests != 1 else "1 request"
    return (
        f"It is polled every {least_s:.1f} s and not every {period_s:g} s: "
        f"a poll costs {cost} and {size} bytes, and its caps allow no more."
    )
