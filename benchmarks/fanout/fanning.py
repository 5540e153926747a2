"""The cases that all three servers go through, and those where this one sends batches."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.fanout.crowd import Crowd
from benchmarks.fanout.event import CHANNELS, FASTAPI, OURS
from benchmarks.fanout.joining import Targets, alike, all_different, in_turn, joined
from benchmarks.fanout.measuring import CLIENT_BOUND, Measured, burst, paced
from benchmarks.fanout.occupancy import Occupancy
from benchmarks.fanout.scale import Scale
from benchmarks.fanout.servers import LINES, Server
from realtime.protocol import BATCH, PROTOCOL

Row = dict[str, object]

ONE, DIFFERENT, ALIKE = "one event", "batch, all different", "batch, all alike"
BY_LINE = "batch, alike by line"
# How clients connect, and what they subscribe to, for each.
OUR_FRAMES: dict[str, tuple[str, Targets]] = {
    ONE: (PROTOCOL, alike),
    DIFFERENT: (BATCH, all_different),
    ALIKE: (BATCH, alike),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """How many events are kept on their way in a burst, and how many are published together."""

    window: int
    chunk: int


# The core layer drops what goes beyond 100 messages. The log takes events by the hundred; a client may
# be 2,000 messages behind.
_PRESSURE = {
    CHANNELS: Pressure(window=8, chunk=2),
    FASTAPI: Pressure(window=60, chunk=10),
    OURS: Pressure(window=400, chunk=50),
}
# Below this share of its core a server in a burst was held up by something else than its work.
_BUSY = 0.9
_BATCHED = Pressure(window=1600, chunk=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A measurement with what it was of."""

    server: str
    frames: str
    sockets: int
    rate: float
    """Events a second; 0 for as many as the server can."""
    measured: Measured
    lines: int = 1

    def burst_row(self, channels: Measured, fastapi: Measured) -> Row:
        """Return the row of a burst, with its ratios to the rivals of the same run."""
        one = self.measured
        return {
            "server": self.server,
            "frame": self.frames,
            "sockets": self.sockets,
            "deliveries_per_s": one.deliveries_per_s,
            "per_cpu_s": 1e6 / one.server_us,
            "server_us": one.server_us,
            "x_channels": channels.server_us / one.server_us,
            "x_fastapi": fastapi.server_us / one.server_us,
            "events_per_frame": one.heard.events / max(1, one.heard.frames),
            "server_cpu": one.server_cpu,
            "client_cpu": one.client_cpu,
            "load_cpu": one.load_cpu,
            "missing": one.lost,
            "valid": self.verdict(),
        }

    def paced_row(self) -> Row:
        """Return the row of a steady load."""
        one = self.measured
        return {
            "server": self.server,
            "frame": self.frames,
            "sockets": self.sockets,
            "lines": self.lines,
            "events_per_s": self.rate,
            "p50_ms": one.latency_ms(0.5),
            "p99_ms": one.latency_ms(0.99),
            "max_ms": max(one.heard.latencies_ms, default=0.0),
            "commit_p50_ms": "" if one.commit_p50_ms is None else one.commit_p50_ms,
            "server_us": one.server_us,
            "server_cpu": one.server_cpu,
            "client_cpu": one.client_cpu,
            "timed": len(one.heard.latencies_ms),
            "missing": one.lost,
            "valid": self.verdict(),
        }

    def verdict(self) -> str:
        """Return why the figure counts for nothing, or yes."""
        if self.measured.client_cpu > CLIENT_BOUND:
            return "no: client-bound"
        if self.measured.heard.wrong:
            return "no: frames did not hold what was counted"
        if self.measured.heard.closed:
            return f"no: {self.measured.heard.closed} sockets closed"
        if not self.rate and self.measured.server_cpu < _BUSY:
            return "no: the server was not busy, or its core was not its own"
        return "yes"


def rival(server: Server, scale: Scale) -> list[Case]:
    """Measure a rival: steadily at 1 event a second, in a burst, and steadily at 20."""
    with _joined(server, scale.clients, None, alike) as crowd:
        return [
            _steady(server, crowd, ONE, 1, scale),
            _burst(server, crowd, ONE, scale),
            # Last: what waits in a server that cannot keep up would spoil what follows.
            _steady(server, crowd, ONE, 20, scale),
        ]


def ours(server: Server, scale: Scale, occupancy: Occupancy) -> list[Case]:
    """Measure this server: an event a frame as the rivals do, batches, many lines, many clients."""
    cases: list[Case] = []
    # First who takes how much memory: what a burst leaves in the allocator is not a connection's.
    occupancy.begin(server)
    with _joined(server, scale.clients, PROTOCOL, alike) as crowd:
        occupancy.note(server, "1 line, ms5.v1", len(crowd))
    with _joined(server, scale.clients, BATCH, all_different) as crowd:
        occupancy.note(server, "3 targets, all different, batch", len(crowd))
    with _joined(server, scale.many, BATCH, alike) as crowd:
        occupancy.note(server, "1 line, batch", len(crowd))
        cases += [_steady(server, crowd, ALIKE, 5, scale)]
    with _joined(server, scale.clients, BATCH, in_turn) as crowd:
        cases += [_steady(server, crowd, BY_LINE, len(LINES), scale, lines=LINES)]
    for frames, (protocol, targets) in OUR_FRAMES.items():
        with _joined(server, scale.clients, protocol, targets) as crowd:
            cases += [_steady(server, crowd, frames, 20, scale)]
            cases += [_burst(server, crowd, frames, scale)]
    return cases


@contextmanager
def _joined(
    server: Server, clients: int, protocol: str | None, targets: Targets
) -> Iterator[Crowd]:
    crowd = joined(server, clients, protocol, targets)
    try:
        server.settle()
        yield crowd
    finally:
        crowd.close()
        server.settle()


def _steady(
    server: Server,
    crowd: Crowd,
    frames: str,
    rate: float,
    scale: Scale,
    *,
    lines: Sequence[str] = LINES[:1],
) -> Case:
    measured = paced(
        server,
        crowd,
        rate=rate,
        seconds=scale.paced_s,
        lines=lines,
        listeners=len(crowd) // len(lines),
    )
    return _said(
        Case(
            server=server.name,
            frames=frames,
            sockets=len(crowd),
            rate=rate,
            lines=len(lines),
            measured=measured,
        )
    )


def _burst(server: Server, crowd: Crowd, frames: str, scale: Scale) -> Case:
    runs = [under_pressure(server, crowd, frames, scale.burst_s) for _ in range(scale.repeats)]
    middle = sorted(runs, key=lambda run: run.deliveries_per_s)[len(runs) // 2]
    return _said(
        Case(server=server.name, frames=frames, sockets=len(crowd), rate=0, measured=middle)
    )


def under_pressure(server: Server, crowd: Crowd, frames: str, seconds: float) -> Measured:
    """Keep as many events on their way as this server takes with such frames."""
    pressure = _PRESSURE[server.name] if frames == ONE else _BATCHED
    return burst(server, crowd, window=pressure.window, chunk=pressure.chunk, seconds=seconds)


def _said(case: Case) -> Case:
    """Let whoever waits for the report know how far it has come."""
    load = f"{case.rate:g} events/s" if case.rate else "burst"
    what = f"{case.server}, {case.frames}, {case.sockets} sockets, {load}"
    print(f"{what}: {case.measured.deliveries_per_s:,.0f}/s", file=sys.stderr, flush=True)
    return case
