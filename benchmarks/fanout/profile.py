"""Where the time of a delivery goes: this server's loop under cProfile while a burst lasts."""

import os
import pstats
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.fanout import servers
from benchmarks.fanout.fanning import OUR_FRAMES, under_pressure
from benchmarks.fanout.joining import joined
from benchmarks.fanout.measuring import Measured
from benchmarks.fanout.pinning import on_the_loads_core
from benchmarks.fanout.scale import Scale
from benchmarks.fanout.servers import Server
from benchmarks.stack import wait_until

Row = dict[str, object]
_TOP = 25


def profiles(scale: Scale) -> Iterator[tuple[str, str, Sequence[Row]]]:
    """Yield for each kind of frame the functions that took most of the loop's time."""
    with tempfile.TemporaryDirectory(prefix="ms5-profile-") as scratch, on_the_loads_core():
        out = Path(scratch) / "profile"
        with servers.ours(profile=out) as server:
            for frames, (protocol, targets) in OUR_FRAMES.items():
                crowd = joined(server, scale.clients, protocol, targets)
                try:
                    os.kill(server.pid, signal.SIGUSR1)
                    measured = under_pressure(server, crowd, frames, scale.burst_s)
                finally:
                    crowd.close()
                yield _section(frames, scale.clients, measured, _taken(server, out))


def _taken(server: Server, out: Path) -> pstats.Stats:
    os.kill(server.pid, signal.SIGUSR2)
    wait_until(out.exists, 10)
    stats = pstats.Stats(str(out))
    out.unlink()
    return stats


def _section(
    frames: str, sockets: int, measured: Measured, stats: pstats.Stats
) -> tuple[str, str, Sequence[Row]]:
    deliveries = measured.published * sockets - measured.lost
    # Of each function: calls, those that are not recursive, its own seconds, and all within it.
    functions = sorted(stats.stats.items(), key=lambda one: one[1][2], reverse=True)
    rows = [
        {
            "function": f"{_short(path)}:{line} {name}" if line else name,
            "calls": calls,
            "own_s": own_s,
            "own_us_per_delivery": own_s / deliveries * 1e6,
            "own_share": own_s / stats.total_tt,
            "all_within_s": within_s,
        }
        for (path, line, name), (_, calls, own_s, within_s, _) in functions[:_TOP]
    ]
    explained = (
        f"{deliveries:,} deliveries in {stats.total_tt:.1f} s of the loop, the profiler's own cost"
        " included."
    )
    return f"Profile of a burst: {frames}", explained, rows


def _short(path: str) -> str:
    return "/".join(path.split("/")[-2:])
