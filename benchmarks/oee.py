"""What the truth about time costs: the ticks over 100 equipment, explaining a figure, the Pareto of a month."""

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.stack import database, run

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from production.models import Downtime

LINES, EACH = 20, 5
DAYS, OF_PARETO = 30, 20
AGES = (("early", timedelta(minutes=33)), ("late", timedelta(hours=7, minutes=48)))
TICK_STOPS, PARETO_STOPS = timedelta(minutes=6), timedelta(minutes=15)
ROUNDS = 7
TICK_AIM_MS, PARETO_AIM_MS = 250, 300
TITLE = "From spans and increments to figures"
EXPLAINED = (
    "Each equipment stops for 20 s and for 4 min in turn, every six minutes; its counters are read every"
    " 5 s. For the Pareto it stops every 15 minutes. Medians."
    " A tick settles what is due, computes and writes the figures of all lines and equipment over"
    " the shift so far; `its ms` is the alternative beside it, over the same rows in the same run;"
    " how many times as fast is by CPU."
)
Row = dict[str, object]


def report() -> list[Row]:
    """Measure on SQLite, in this run; each part on a database of its own."""
    rows: list[Row] = []
    for part in ("ticks", "pareto"):
        with database("sqlite") as environment:
            said = run([sys.executable, "-m", "benchmarks.oee", part], environment)
        rows += json.loads(said)
    return rows


class Cost(NamedTuple):
    """Milliseconds, and those of the processor among them: SQLite works in the process itself."""

    ms: float
    cpu_ms: float


def _row(
    what: str, cost: Cost, aim: int | None = None, beside: str = "-", other: Cost | None = None
) -> Row:
    return {
        "": what,
        "ms": cost.ms,
        "CPU ms": cost.cpu_ms,
        "aim ms": aim or "-",
        "beside": beside,
        "its ms": other.ms if other else "-",
        "its CPU ms": other.cpu_ms if other else "-",
        "times as fast": other.cpu_ms / cost.cpu_ms if other else "-",
    }


def _median(work: Callable[[int], object], rounds: int = ROUNDS) -> Cost:
    costs = []
    for number in range(rounds):
        began, cpu_began = time.perf_counter(), time.process_time()
        work(number)
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        costs.append((spent * 1000, cpu * 1000))
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


def _ticks() -> list[Row]:
    from benchmarks import floor  # noqa: PLC0415 - after the set-up of Django
    from production.explain import explain  # noqa: PLC0415
    from production.models import Equipment, Line  # noqa: PLC0415
    from production.oee_updates import updates  # noqa: PLC0415
    from production.processors import oee, production  # noqa: PLC0415
    from production.settling import settle  # noqa: PLC0415

    ids = floor.build(LINES, EACH)
    lines = list(Line.objects.all())
    machine = Equipment.objects.get(pk=ids[0])
    rows, of_ages = [], []
    for name, age in AGES:
        now = floor.START + age
        floor.live(ids, floor.START, now, stop_every=TICK_STOPS, counted=True)
        settled: list[int] = []
        settling = _median(lambda _, now=now, settled=settled: settled.append(settle(now)), 1)

        def later(number: int, now: datetime = now) -> datetime:
            return now + timedelta(milliseconds=100 * number)

        said = [each.data for each in updates(lines, now)]
        if said != [each.data for each in updates(lines, now, exact=True)]:
            raise RuntimeError("settled quarters and rows give different figures")
        tick = _median(lambda number: oee(later(number)))
        everything = _median(lambda _, now=now: list(updates(lines, now, exact=True)), 3)
        rows += [
            _row(
                f"OEE tick, {len(ids)} equipment, {name} in the shift ({age})",
                tick,
                TICK_AIM_MS,
                "its figures from all spans and increments, not even written",
                everything,
            ),
            _row(f"Production tick, {name}", _median(lambda number: production(later(number)))),
            _row(f"Settling {settled[0]} quarters once, {name}", settling),
            _row(
                f"Explain an equipment's shift so far, {name}",
                _median(lambda _, now=now: explain(machine, floor.START, now, now)),
            ),
        ]
        of_ages.append((tick, everything))
        floor.clear()
    (early, early_all), (late, late_all) = of_ages
    ratio = Cost(late.ms / early.ms, late.cpu_ms / early.cpu_ms)
    ratio_all = Cost(late_all.ms / early_all.ms, late_all.cpu_ms / early_all.cpu_ms)
    grown = _row("OEE tick: late / early (ratios)", ratio, beside="the same", other=ratio_all)
    return [*rows, grown | {"times as fast": "-"}]


def _pareto() -> list[Row]:
    from benchmarks import floor  # noqa: PLC0415 - after the set-up of Django
    from production.models import Downtime  # noqa: PLC0415
    from production.pareto import pareto  # noqa: PLC0415
    from production.settling import settle  # noqa: PLC0415

    ids = floor.build(OF_PARETO // EACH, EACH)
    start, end = floor.START - timedelta(days=DAYS), floor.START
    floor.live(ids, start, end, stop_every=PARETO_STOPS, counted=False)
    while settle(end):
        pass
    downtimes = Downtime.objects.filter(
        equipment__in=ids, started_at__lt=end, ended_at__gt=start
    )

    def naive(rows: "QuerySet[Downtime]") -> None:
        minutes: dict[str, float] = defaultdict(float)
        number: dict[str, int] = defaultdict(int)
        for row in rows:
            name = row.reason.name if row.reason else "Unassigned"
            ended_at = row.ended_at or end
            length = min(ended_at, end) - max(row.started_at, start)
            minutes[name] += length.total_seconds() / 60
            number[name] += 1
        sorted(minutes.items(), key=lambda each: -each[1])

    cost = _median(lambda _: pareto(ids, start, end, end))
    title = f"Pareto, {DAYS} days x {len(ids)} equipment, {downtimes.count():,} downtimes"
    joined = downtimes.select_related("reason")
    asked = "through the ORM, a query for each reason, breaks not taken out"
    together = "through the ORM, reasons joined, breaks not taken out"
    return [
        _row(title, cost, PARETO_AIM_MS, asked, _median(lambda _: naive(downtimes.all()), 1)),
        _row(title, cost, PARETO_AIM_MS, together, _median(lambda _: naive(joined.all()), 3)),
    ]


def main(part: str) -> None:
    import django  # noqa: PLC0415 - a process of its own

    django.setup()
    sys.stdout.write(json.dumps(_ticks() if part == "ticks" else _pareto()))


if __name__ == "__main__":
    main(sys.argv[1])
