"""`python -m benchmarks [append] [latency] [demo] [polling]`: measure, print, and write all of it down."""

import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import append, demo, latency, polling

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures" / "spine.md"
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
    head = (
        f"# Figures of the spine\n\nWritten by `make bench` on {datetime.now(UTC):%Y-%m-%d}:"
        f" Python {platform.python_version()}, {platform.machine()},"
        f" {os.cpu_count()} shared cores. Every commit is synced to disk."
        " Ratios within a run count, absolute figures are this machine's.\n"
    )
    parts = [head]
    for name, (title, report) in REPORTS.items():
        if wanted and name not in wanted:
            continue
        part = f"## {title}\n\n{table(report())}\n"
        print(part, flush=True)
        parts.append(part)
    if not wanted:
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        FIGURES.write_text("\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1:])
