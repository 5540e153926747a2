"""`python -m benchmarks [PART...]`: measure and write down.

The parts: append, latency, demo, polling, processors, plans, oee, fanout; all of them if none is named.
`fanout quick` only shows within a minute that it runs; `fanout --profile` says where the time goes.
"""

import os
import platform
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import append, demo, latency, oee, polling, processors
from benchmarks.fanout.profile import profiles
from benchmarks.fanout.report import sections
from benchmarks.fanout.scale import FULL, QUICK

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures"
SPINE, LIVE, TIME = (FIGURES / f"{name}.md" for name in ("spine", "live", "time"))
Row = dict[str, object]

REPORTS: dict[str, tuple[str, Callable[[], list[Row]]]] = {
    "append": (
        "Appends a second, each action one transaction synced to disk",
        append.report,
    ),
    "latency": (
        "From commit to a socket client, milliseconds, 60 facts a second",
        latency.report,
    ),
    "demo": ("The demo: first page, and back to work after kill -9, seconds", demo.report),
    "polling": (
        "Polling controllers of 50 tags once a second, CPU in % of one core",
        polling.report,
    ),
    "processors": (processors.TITLE, processors.report),
    "plans": ("Requests for a set of tags", polling.plans),
}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""

    def cell(value: object) -> str:
        match value:
            case float() if value >= 100:
                return f"{value:,.0f}"
            case float():
                return f"{value:.2f}"
            case _:
                return str(value)

    names = list(rows[0])
    lines = [
        names,
        ["---"] * len(names),
        *[[cell(row[name]) for name in names] for row in rows],
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(wanted: Sequence[str]) -> None:
    names = {name for name in wanted if name not in {"quick", "--profile"}}
    if unknown := names - {*REPORTS, "oee", "fanout"}:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}")
    if not names or names & set(REPORTS):
        spine(names)
    if not names or "oee" in names:
        truth()
    if not names or "fanout" in names:
        live(quick="quick" in wanted, profile="--profile" in wanted)


def spine(wanted: Collection[str]) -> None:
    """Measure the parts wanted; write the report when all of them are."""
    parts = [
        head("Figures of the spine", "Every commit is synced to disk."),
    ]
    for name, (title, report) in REPORTS.items():
        if wanted and name not in wanted:
            continue
        part = f"## {title}\n\n{table(report())}\n"
        print(part, flush=True)
        parts.append(part)
    if not wanted or set(REPORTS) <= set(wanted):
        write(SPINE, parts)


def truth() -> None:
    """Measure what the figures of production cost; write the report."""
    part = f"## {oee.TITLE}\n\n{oee.EXPLAINED}\n\n{table(oee.report())}\n"
    print(part, flush=True)
    write(
        TIME, [head("Figures of time and loss", "SQLite, every commit synced to disk."), part]
    )


def live(*, quick: bool, profile: bool) -> None:
    """Measure the fan-out, or profile it; write the report of a whole run."""
    scale = QUICK if quick else FULL
    parts = [
        head(
            "Figures of the live wire",
            "Each server is one process on one core; clients, publisher and Redis have another.",
        )
    ]
    for title, explained, rows in profiles(scale) if profile else sections(scale):
        part = f"## {title}\n\n{explained}\n\n{table(rows)}\n"
        print(part, flush=True)
        parts.append(part)
    if not quick and not profile:
        write(LIVE, parts)


def head(title: str, how: str) -> str:
    return (
        f"# {title}\n\nWritten by `make bench` on {datetime.now(UTC):%Y-%m-%d}:"
        f" Python {platform.python_version()}, {platform.machine()},"
        f" {os.cpu_count()} shared cores. {how}"
        " Ratios within a run count, absolute figures are this machine's.\n"
    )


def write(path: Path, parts: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts))


if __name__ == "__main__":
    # Whatever ends it, the servers it started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(sys.argv[1:])
