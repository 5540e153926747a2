"""What the sockets allow, announced to each client, and the bucket that counts messages (pure)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

# The server's own limit of a frame; larger ones close with 1009 (uvicorn gets it as --ws-max-size).
HARD_FRAME_BYTES = 65_536
# Messages that cost the server more than others count as so many of them.
RESUME_COSTS = 10
STATS_COST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of one server."""

    frame_bytes: int = 16_384
    depth: int = 8
    keys: int = 64
    positions: int = 256
    """Keys of the one object that names streams, `positions` of a `resume`."""
    string_length: int = 512
    subscriptions: int = 200
    messages_per_second: float = 20
    burst: int = 40
    malformed_per_minute: int = 10
    refusals_per_minute: int = 200
    """Messages refused for coming too fast, beyond which the connection is closed."""
    connections: int = 6_000
    """Connections of a process; so are all that follow, so that two processes allow twice as many."""
    connections_per_user: int = 10
    connections_per_address: int = 50
    """Without those of kiosks."""
    handshakes_per_second: float = 5
    """Of one address; kiosks are not known before, and are counted."""
    handshake_burst: int = 20
    tickets_waiting: int = 50
    """Connections that may be awaited to show a ticket."""
    ticket_s: float = 5
    """Seconds within which the ticket must come."""
    ticket_frame_bytes: int = 1_024
    life_s: float = 86_400
    """Seconds after which a connection is asked to come again, give or take a tenth."""
    waiting: int = 2_000
    """Messages that may wait for a client that reads slowly before it is cut off."""
    waiting_bytes: int = 4 * 2**20
    heartbeat_s: float = 5
    snapshot_s: float = 5
    """Seconds within which a snapshot must be ready to send."""
    close_s: float = 1
    """Seconds a client that does not read is given to take the close."""
    resume_events: int = 2_000
    """Facts of one stream that `resume` replays."""
    resume_total: int = 10_000
    """Facts of all streams that one `resume` replays."""


class BadLimits(ValueError):
    """Limits that no server can keep; the sentence names each."""


def limits_of(words: Mapping[str, str]) -> Limits:
    """Return the default limits with those that are named replaced. Raises BadLimits.

    Each must be a number above zero; a whole one where the default is.
    """
    defaults = {each.name: each.default for each in fields(Limits)}
    wrong = [f"there is no limit {name}" for name in sorted(words.keys() - defaults.keys())]
    given: dict[str, float] = {}
    for name in sorted(words.keys() & defaults.keys()):
        # Of the dataclass's fields those with a whole default are whole, save what is a rate or a time.
        whole = not name.endswith(("_s", "_per_second"))
        try:
            number = int(words[name]) if whole else float(words[name])
        except ValueError:
            number = math.nan
        if math.isfinite(number) and number > 0:
            given[name] = number
        else:
            kind = "a whole number" if whole else "a number"
            wrong.append(f"{name} must be {kind} above zero, and is {words[name]!r}")
    if wrong:
        raise BadLimits("; ".join(wrong))
    found = Limits(**given)  # type: ignore[arg-type]  # each was made the type of its field
    if found.frame_bytes > HARD_FRAME_BYTES:
        wrong.append(f"frame_bytes is at most {HARD_FRAME_BYTES}, what the server itself takes")
    if found.burst < RESUME_COSTS:
        wrong.append(f"burst is at least {RESUME_COSTS}, what a resume costs")
    if wrong:
        raise BadLimits("; ".join(wrong))
    return found


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` at once, refilled at `per_second`. Times are monotonic seconds."""

    per_second: float
    burst: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float, cost: float = 1) -> int:
        """Take tokens; return 0, or the milliseconds after which there will be as many, and none is taken."""
        self._refill(now)
        if self.tokens >= cost:
            self.tokens -= cost
            return 0
        return max(1, math.ceil((cost - self.tokens) / self.per_second * 1000))

    def is_full(self, now: float) -> bool:
        """Whether it is as if it had never been used."""
        self._refill(now)
        return self.tokens >= self.burst

    def _refill(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now


@dataclass(slots=True)
class Recent:
    """How many times something happened within the last `window_s` seconds."""

    window_s: float
    # A list, since an empty deque weighs as much as a connection's whole outbox.
    times: list[float] = field(default_factory=list)

    def add(self, now: float) -> int:
        """Note one more; return how many there are."""
        self.times = [each for each in self.times if each > now - self.window_s]
        self.times.append(now)
        return len(self.times)
