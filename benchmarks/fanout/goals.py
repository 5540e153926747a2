"""What the fan-out is to reach, beside what this run reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.fanout.event import CHANNELS, FASTAPI, OURS
from benchmarks.fanout.fanning import ALIKE, BY_LINE, DIFFERENT, ONE, Case
from benchmarks.fanout.measuring import Measured
from benchmarks.fanout.occupancy import Occupancy
from benchmarks.fanout.returning import Returned
from benchmarks.fanout.rudeness import Suffered

Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything one run measured."""

    cases: Sequence[Case]
    occupancy: Occupancy
    suffered: Sequence[Suffered]
    returned: Sequence[Returned]

    def burst(self, server: str, frames: str = ONE) -> Measured:
        """Return the burst of a server with such frames."""
        return self.steady(server, frames, 0)

    def steady(self, server: str, frames: str, rate: float) -> Measured:
        """Return what was measured at so many events a second."""
        [found] = [
            case.measured
            for case in self.cases
            if (case.server, case.frames, case.rate) == (server, frames, rate)
        ]
        return found


def met(results: Results) -> list[Row]:
    """Return a row for each goal."""
    one, different, alike = (results.burst(OURS, frames) for frames in (ONE, DIFFERENT, ALIKE))
    channels, fastapi = results.burst(CHANNELS), results.burst(FASTAPI)
    twenty = results.steady(OURS, ONE, 20)
    by_line = results.steady(OURS, BY_LINE, 20)
    many = results.steady(OURS, ALIKE, 5)
    without, beside = (each for each in results.suffered if each.server == OURS)
    harm = beside.measured.latency_ms(0.99) - without.measured.latency_ms(0.99)
    return [
        _least("times Channels per delivery, an event a frame", 20, _ratio(channels, one)),
        _least("times the FastAPI manager, an event a frame", 1, _ratio(fastapi, one)),
        _least("deliveries/s, batch, all different", 400_000, different.deliveries_per_s),
        _least("deliveries/s, batch, all alike", 1_000_000, alike.deliveries_per_s),
        _most("20 events/s to each socket, p50 ms", 15, twenty.latency_ms(0.5)),
        _most("20 events/s to each socket, p99 ms", 60, twenty.latency_ms(0.99)),
        _most("20 lines, 1 event/s each, p50 ms", 5, by_line.latency_ms(0.5)),
        _most("the many sockets, 5 events/s, p99 ms", 400, many.latency_ms(0.99)),
        _most("KB of memory a connection", 60, results.occupancy.most_kb()),
        _most("MB for a client that never reads", 5, beside.grew_mb - without.grew_mb),
        _most("ms it adds to the others' p99 (of noise: 5)", 5, harm),
        _most(
            "s until all who returned are live", 30, max(r.seconds for r in results.returned)
        ),
        _most(
            "snapshots read of a target, and replays, for all who returned",
            1,
            max(max(each.reads.values()) for each in results.returned),
        ),
        _most(
            "deliveries of ours that are missing or wrong",
            0,
            sum(
                abs(case.measured.lost) + case.measured.heard.wrong
                for case in results.cases
                if case.server == OURS
            ),
        ),
    ]


def _ratio(theirs: Measured, ours: Measured) -> float:
    return theirs.server_us / ours.server_us


def _least(what: str, wanted: float, measured: float) -> Row:
    return _row(what, f"at least {wanted:,}", measured, reached=measured >= wanted)


def _most(what: str, wanted: float, measured: float) -> Row:
    return _row(what, f"at most {wanted:,}", measured, reached=measured <= wanted)


def _row(what: str, wanted: str, measured: float, *, reached: bool) -> Row:
    return {
        "what": what,
        "wanted": wanted,
        "measured": float(measured),
        "reached": "yes" if reached else "no",
    }
