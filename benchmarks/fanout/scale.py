"""How large a run is: the real one, and one that only shows that all of it works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Numbers of clients and seconds."""

    clients: int
    many: int
    """Clients of the case that is about their number."""
    rude: int
    """Clients beside the one that never reads."""
    returning: int
    paced_s: float
    burst_s: float
    rude_s: float
    repeats: int


FULL = Scale(
    clients=1000, many=5000, rude=100, returning=500, paced_s=8, burst_s=3, rude_s=12, repeats=3
)
QUICK = Scale(
    clients=200, many=600, rude=20, returning=60, paced_s=2, burst_s=1, rude_s=3, repeats=1
)
