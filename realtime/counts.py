"""What the sockets of a process did, as plain numbers that are read when somebody asks (pure)."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ms5.events.losses import Loss
from realtime.protocol import CloseCode, ErrorCode, ResumeReason

DELIVERY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds: a hint brings a fact in a few milliseconds, the tail alone in 100."""
LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)


class Spread:
    """A histogram: how many values lay at or below each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Note a value; one below zero, from a clock that was set back, counts as zero."""
        value = max(0.0, value)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def told(self) -> dict[str, Any]:
        """Return it as JSON can hold it: bounds, counts of their own (not summed up), the sum."""
        return {"bounds": list(self.bounds), "counts": list(self.counts), "sum": self.sum}


def _none_of(*names: str) -> Counter[str]:
    """Return a count of zero for each: a rise from nothing at all is no rise to who scrapes."""
    return Counter(dict.fromkeys(names, 0))


@dataclass(slots=True)
class Counts:
    """One per process. `facts`, `gaps` and `epochs` are changed by the tail's thread alone, all else on the
    event loop alone.
    """

    connects: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(
        default_factory=lambda: _none_of(*(str(int(code)) for code in CloseCode))
    )
    errors: Counter[str] = field(default_factory=lambda: _none_of(*map(str, ErrorCode)))
    resumes: Counter[str] = field(
        default_factory=lambda: _none_of("recovered", *map(str, ResumeReason))
    )
    facts: Counter[str] = field(default_factory=Counter)
    frames_in: int = 0
    bytes_in: int = 0
    frames_out: int = 0
    bytes_out: int = 0
    coalesced: int = 0
    replayed: int = 0
    gaps: int = 0
    epochs: int = 0
    delivery: Spread = field(default_factory=lambda: Spread(DELIVERY_S))
    loop_lag: Spread = field(default_factory=lambda: Spread(LAG_S))
    handing_over: threading.Lock = field(default_factory=threading.Lock)
    """Held while what a connection was sent moves from it into these sums, and while both are added up:
    else it would be counted twice, or not at all, and a counter would fall."""

    def connected(self, result: str) -> None:
        """Note a handshake: `accepted`, or why it came to nothing."""
        self.connects[result] += 1

    def closed(self, code: int) -> None:
        """Note the end of a connection; 1005 for a client that left without a word."""
        self.closes[str(int(code))] += 1

    def refused(self, code: str) -> None:
        """Note an `error` that a client was sent."""
        self.errors[str(code)] += 1

    def resumed(self, reasons: Iterable[str | None], replayed: int) -> None:
        """Note what became of each stream in a `resume`, recovered or why not, and the facts replayed."""
        for reason in reasons:
            self.resumes["recovered" if reason is None else str(reason)] += 1
        self.replayed += replayed

    def received(self, size: int) -> None:
        """Note a frame of a client, of that many characters."""
        self.frames_in += 1
        self.bytes_in += size

    def left(self, frames: int, size: int, coalesced: int) -> None:
        """Add what a connection that has ended was sent."""
        self.frames_out += frames
        self.bytes_out += size
        self.coalesced += coalesced

    def read(self, types: Iterable[str]) -> None:
        """Note the facts of a batch by their types."""
        self.facts.update(types)

    def lost(self, loss: Loss) -> None:
        """Note that the log lost continuity; a mistake in telling it is among the tail's own errors."""
        match loss:
            case Loss.EPOCH:
                self.epochs += 1
            case Loss.GAP:
                self.gaps += 1
            case Loss.MISTAKE:
                pass


counts = Counts()
"""Those of this process."""
