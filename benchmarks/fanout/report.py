"""The whole comparison in one run: three servers one after the other, the same load, ratios and goals."""

import time
from collections.abc import Iterator, Sequence

from benchmarks.fanout import servers
from benchmarks.fanout.event import CHANNELS, EVENT_BYTES, FASTAPI
from benchmarks.fanout.fanning import Case, ours, rival
from benchmarks.fanout.goals import Results, met
from benchmarks.fanout.occupancy import Occupancy
from benchmarks.fanout.pinning import on_the_loads_core
from benchmarks.fanout.returning import come_back
from benchmarks.fanout.rudeness import EVENT_BYTES as LONG_BYTES
from benchmarks.fanout.rudeness import PER_S, without_and_with
from benchmarks.fanout.scale import Scale

Row = dict[str, object]


_BURST = (
    "Medians of {repeats} runs of {seconds:g} s. `server_us`: microseconds of the server's CPU per"
    " delivery, `per_cpu_s`: deliveries for each of its seconds;"
    " `x_...`: how many times as much a rival takes. `load_cpu`: client, publisher and Redis together, on"
    " the other core. `missing`: not there when all was quiet."
)
_STEADY = (
    "Ours are measured from before the append, so the commit, synced to disk, is in them (`commit_p50_ms`);"
    " the rivals keep nothing. `missing`: not there 4 s after the last was due."
)
_RUDE = (
    "{rate} events a second of {size:,} bytes for {seconds:g} s, to the others and to one that subscribed"
    " and reads nothing."
)
_RETURNED = (
    "`pictures_read` and `replays_read`: readings of the log, made for all of them together. The whole run"
    " took {minutes:.1f} minutes."
)


def sections(scale: Scale) -> Iterator[tuple[str, str, Sequence[Row]]]:
    """Yield title, explanation and rows of each part of the report."""
    begin = time.monotonic()
    results = _measured(scale)
    minutes = (time.monotonic() - begin) / 60
    yield (
        "What was aimed at",
        "Ratios are of the server's CPU per delivery, within this run.",
        met(results),
    )
    channels, fastapi = (results.burst(name) for name in (CHANNELS, FASTAPI))
    yield (
        f"Burst: as many events of {EVENT_BYTES} bytes as a server can deliver",
        _BURST.format(repeats=scale.repeats, seconds=scale.burst_s),
        [case.burst_row(channels, fastapi) for case in results.cases if not case.rate],
    )
    yield (
        "Steady: from the publisher to the client, milliseconds",
        _STEADY,
        [case.paced_row() for case in results.cases if case.rate],
    )
    yield (
        "Memory of a connection, with user and subscriptions",
        "Resident memory of the server; buffers of the kernel are not in it.",
        results.occupancy.rows,
    )
    yield (
        "A client that never reads",
        _RUDE.format(rate=PER_S, size=LONG_BYTES, seconds=scale.rude_s),
        [suffered.row() for suffered in results.suffered],
    )
    yield (
        "All return at once",
        _RETURNED.format(minutes=minutes),
        [returned.row() for returned in results.returned],
    )


def _measured(scale: Scale) -> Results:
    occupancy = Occupancy()
    cases: list[Case] = []
    with on_the_loads_core():
        with servers.channels() as server:
            cases += rival(server, scale)
        with servers.fastapi() as server:
            cases += rival(server, scale)
            suffered = without_and_with(server, scale)
        with servers.ours() as server:
            cases += ours(server, scale, occupancy)
            suffered += without_and_with(server, scale)
            returned = come_back(server, scale)
            server.settle()
            occupancy.left(server)
    return Results(cases=cases, occupancy=occupancy, suffered=suffered, returned=returned)
