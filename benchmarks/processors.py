"""What a tick of each processor costs in CPU, on a plant as the polling benchmark seeds it.

`python -m benchmarks.processors sqlite 100 [TREE] [--profile=PREFIX]` measures one plant, and beside it another
tree of the project, such as that of the commit before, over the same rows in the same run.
"""

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.polling import SEED
from benchmarks.stack import ROOT, database, run
from production.periods import PERIODS_S

EACH = 5
MINUTES = 4
"""That are observed before, every other second."""
SIZES = (1, 10, 100)
ROUNDS = 2
TITLE = "A tick of the processors, ms of CPU"
Row = dict[str, object]
Costs = dict[str, list[tuple[float, float]]]


def report() -> list[Row]:
    """Measure both engines, each plant on a database of its own."""
    return [
        row
        for engine in ("sqlite", "postgresql")
        for lines in SIZES
        for row in measure(engine, lines)
    ]


def measure(
    engine: str, lines: int, beside: Path | None = None, *, profile: str = ""
) -> list[Row]:
    """Return a row for each processor, and one of them all: medians, and the share of a core in per cent.

    `server_ms` is what PostgreSQL spends on a tick, on average, since it tells it to a hundredth of a second.
    The trees are measured in turn.
    """
    trees = [ROOT] if beside is None else [beside.resolve(), ROOT]
    costs: dict[Path, Costs] = {tree: defaultdict(list) for tree in trees}
    with database(engine) as environment:
        ports = json.dumps([list(range(1, lines * EACH + 1)), []])
        run([sys.executable, "-c", SEED, ports, "1", str(MINUTES)], environment)
        _ticks(environment, ROOT, "live", str(MINUTES * 60))
        for _ in range(ROUNDS):
            for tree in trees:
                said = json.loads(_ticks(environment, tree, "ticks", profile))
                for name, each in said.items():
                    costs[tree][name] += each
    rows = _rows(costs[ROOT])
    if beside is not None:
        for row, before in zip(rows, _rows(costs[trees[0]]), strict=True):
            row |= {f"{name}_before": before[name] for name in ("cpu_ms", "server_ms", "core")}
            row["times"] = _number(before["core"]) / _number(row["core"])
    return [{"engine": engine, "lines": lines, **row} for row in rows]


def _ticks(environment: Mapping[str, str], tree: Path, *arguments: str) -> str:
    script = str(ROOT / "benchmarks" / "ticks.py")
    command = [sys.executable, "-P", script, *arguments]
    return run(command, {**environment, "PYTHONPATH": str(tree)})


def _rows(costs: Mapping[str, Sequence[tuple[float, float]]]) -> list[Row]:
    rows: list[Row] = []
    for name, each in costs.items():
        own = statistics.median(cpu for cpu, _ in each)
        served = statistics.fmean(server for _, server in each)
        rows.append(
            {
                "processor": name,
                "period_s": PERIODS_S[name],
                "cpu_ms": own,
                "server_ms": served,
                "core": own / PERIODS_S[name] / 10,
            }
        )
    a_second = {
        column: sum(_number(row[column]) / _number(row["period_s"]) for row in rows)
        for column in ("cpu_ms", "server_ms")
    }
    whole = {"processor": "all, a second", "period_s": 1.0, **a_second}
    return [*rows, whole | {"core": a_second["cpu_ms"] / 10}]


def _number(value: object) -> float:
    return float(str(value))


def main(arguments: Sequence[str]) -> None:
    named = [each for each in arguments if each.startswith("--profile=")]
    engine, lines, *trees = (each for each in arguments if each not in named)
    profile = named[0].partition("=")[2] if named else ""
    beside = Path(trees[0]) if trees else None
    for row in measure(engine, int(lines), beside, profile=profile):
        print({key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
