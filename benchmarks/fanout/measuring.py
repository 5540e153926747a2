"""One measurement: events on a beat, or as many as a server can deliver, with what it cost on both sides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.fanout.crowd import Crowd, Heard
from benchmarks.fanout.event import EVENT_BYTES
from benchmarks.fanout.servers import LINES, Server
from benchmarks.stack import cpu_s, percentile

CLIENT_BOUND = 0.9
_WARM_UP_S = 0.7
_QUIET_S = 4.0
_LATE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a crowd heard in a stretch of time, and the CPU of all who took part."""

    heard: Heard
    published: int
    lost: int
    """Deliveries that had not come when all was quiet."""
    server_cpu_s: float
    load_cpu_s: float
    """The client, the publisher and Redis, which share a core."""
    commit_p50_ms: float | None

    @property
    def deliveries_per_s(self) -> float:
        return self.heard.events / self.heard.wall_s

    @property
    def server_us(self) -> float:
        """Microseconds of the server's CPU per delivery."""
        return self.server_cpu_s / max(1, self.heard.events) * 1e6

    @property
    def server_cpu(self) -> float:
        """The share of its core that the server used."""
        return self.server_cpu_s / self.heard.wall_s

    @property
    def client_cpu(self) -> float:
        return self.heard.cpu_s / self.heard.wall_s

    @property
    def load_cpu(self) -> float:
        return self.load_cpu_s / self.heard.wall_s

    def latency_ms(self, share: float) -> float:
        return percentile(self.heard.latencies_ms, share) if self.heard.latencies_ms else 0.0


def paced(
    server: Server,
    crowd: Crowd,
    *,
    rate: float,
    seconds: float,
    lines: Sequence[str] = LINES[:1],
    listeners: int | None = None,
    event_bytes: int = EVENT_BYTES,
    over: Callable[[], None] | None = None,
) -> Measured:
    """Publish `rate` events a second, each heard by `listeners` of the crowd (all unless told).

    `over` is called when the time is over, before what has not come is waited for, uncounted.
    """
    hearing = len(crowd) if listeners is None else listeners
    expected = round(rate * seconds) * hearing
    usage = _Usage(server)
    server.publisher.pace(rate, seconds, lines, event_bytes)
    heard = crowd.listen(
        seconds + _QUIET_S,
        # What is seldom can all be timed; a percentile of a few samples says nothing.
        sample_every=97 if rate * hearing > 5_000 else 7,
        expected=expected,
    )
    used = usage.since(heard)
    if over is not None:
        over()
    # A server that waits for us to read takes no more events, and the publisher would not end.
    crowd.listen(_LATE_S, expected=expected - heard.events)
    said = server.publisher.end()
    return Measured(
        heard=heard,
        published=said["published"],
        lost=said["published"] * hearing - heard.events,
        commit_p50_ms=said.get("commit_p50_ms"),
        server_cpu_s=used[0],
        load_cpu_s=used[1],
    )


def burst(
    server: Server,
    crowd: Crowd,
    *,
    window: int,
    chunk: int,
    seconds: float,
    lines: Sequence[str] = LINES[:1],
) -> Measured:
    """Keep about `window` events on their way for so long, so that the server never waits for one."""
    size = len(crowd)
    before = 0

    def top_up(events: int) -> None:
        while publisher.asked + chunk - (before + events) // size <= window:
            publisher.more(chunk, lines, EVENT_BYTES)

    publisher = server.publisher
    before = crowd.listen(_WARM_UP_S, top_up=top_up).events
    usage = _Usage(server)
    heard = crowd.listen(seconds, top_up=top_up)
    used = usage.since(heard)
    said = publisher.end()
    owed = said["published"] * size - before - heard.events
    rest = crowd.listen(_drain_s(owed, heard), expected=owed)
    return Measured(
        heard=heard,
        published=said["published"],
        lost=owed - rest.events,
        commit_p50_ms=said.get("commit_p50_ms"),
        server_cpu_s=used[0],
        load_cpu_s=used[1],
    )


def _drain_s(owed: int, heard: Heard) -> float:
    """Twice as long as the rest should take at the speed just seen."""
    return _QUIET_S + 2 * owed * heard.wall_s / max(1, heard.events)


class _Usage:
    """The CPU that server, publisher and Redis use from now on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._others = [
            pid for pid in (server.publisher.pid, server.redis_pid) if pid is not None
        ]
        self._begin = self._now()

    def since(self, heard: Heard) -> tuple[float, float]:
        """Return the seconds of the server, and those of all on the other core."""
        server, others = self._now()
        return server - self._begin[0], others - self._begin[1] + heard.cpu_s

    def _now(self) -> tuple[float, float]:
        return cpu_s(self._server.pid), sum(cpu_s(pid) for pid in self._others)
