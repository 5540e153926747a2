"""What the sockets allow, announced to each client, and the bucket that counts messages (pure)."""

from collections import deque
from dataclasses import dataclass, field

# The server's own limit of a frame; larger ones close with 1009 (uvicorn gets it as --ws-max-size).
HARD_FRAME_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of one server."""

    frame_bytes: int = 16_384
    depth: int = 8
    keys: int = 64
    string_length: int = 512
    subscriptions: int = 200
    messages_per_second: float = 20
    burst: int = 40
    malformed_per_minute: int = 10
    waiting: int = 2_000
    """Messages that may wait for a client that reads slowly before it is cut off."""
    waiting_bytes: int = 4 * 2**20
    heartbeat_s: float = 5
    snapshot_s: float = 5
    """Seconds within which a snapshot must be ready to send."""
    close_s: float = 1
    """Seconds a client that does not read is given to take the close."""
    resume_events: int = 0
    """Facts replayed by `resume`; this server replays none and sends snapshots."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` at once, refilled at `per_second`. Times are monotonic seconds."""

    per_second: float
    burst: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> int:
        """Take a token; return 0, or the milliseconds after which there will be one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        return max(1, round((1 - self.tokens) / self.per_second * 1000))


@dataclass(slots=True)
class Recent:
    """How many times something happened within the last `window_s` seconds."""

    window_s: float
    times: deque[float] = field(default_factory=deque)

    def add(self, now: float) -> int:
        """Note one more; return how many there are."""
        self.times.append(now)
        while self.times[0] <= now - self.window_s:
            self.times.popleft()
        return len(self.times)
