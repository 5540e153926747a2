"""What the truth about time costs: the ticks over 100 equipment, explaining a figure, the Pareto of a month."""

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.stack import database, run

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from production.models import Downtime

LINES, EACH = 20, 5
DAYS, OF_PARETO = 30, 20
AGES = (("early", timedelta(minutes=33)), ("late", timedelta(hours=7, minutes=48)))
ROUNDS = 7
TICK_AIM_MS, PARETO_AIM_MS = 250, 300
TITLE = "From spans and increments to figures"
EXPLAINED = (
    "A stop every six minutes, of 20 s and of 4 min in turn; counters read every 5 s. Medians."
    " A tick settles what is due, computes and writes the figures of all lines and equipment over"
    " the shift so far; `its ms` is the alternative beside it, over the same rows in the same run."
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


def _row(what: str, ms: float, aim: int | None = None, **beside: object) -> Row:
    told: Row = {"": what, "ms": float(ms), "aim ms": aim or "-", "beside": "-", "its ms": "-"}
    told |= beside
    other = told["its ms"]
    told["times as fast"] = other / ms if isinstance(other, float) else "-"
    return told


def _median(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """Return the median of the rounds in milliseconds."""
    lengths = []
    for number in range(rounds):
        began = time.perf_counter()
        work(number)
        lengths.append((time.perf_counter() - began) * 1000)
    return statistics.median(lengths)


def _ticks() -> list[Row]:
    from benchmarks import floor  # noqa: PLC0415 - after the set-up of Django
    from production.explain import explain  # noqa: PLC0415
    from production.models import Equipment, Line  # noqa: PLC0415
    from production.processors import oee, production  # noqa: PLC0415
    from production.processors.oee import updates  # noqa: PLC0415
    from production.settling import settle  # noqa: PLC0415

    ids = floor.build(LINES, EACH)
    lines = list(Line.objects.all())
    machine = Equipment.objects.get(pk=ids[0])
    rows, of_ages = [], []
    for name, age in AGES:
        now = floor.START + age
        floor.live(ids, floor.START, now, counted=True)
        began = time.perf_counter()
        quarters = settle(now)
        settled_ms = (time.perf_counter() - began) * 1000

        def later(number: int, now: datetime = now) -> datetime:
            return now + timedelta(milliseconds=100 * number)

        said = [each.data for each in updates(lines, now)]
        if said != [each.data for each in updates(lines, now, exact=True)]:
            raise RuntimeError("settled quarters and rows give different figures")
        tick = _median(lambda number: oee(later(number)))
        rows += [
            _row(
                f"OEE tick, {len(ids)} equipment, {name} in the shift ({age})",
                tick,
                TICK_AIM_MS,
                beside="its figures from all spans and increments, not even written",
                **{
                    "its ms": _median(
                        lambda _, now=now: list(updates(lines, now, exact=True)), 3
                    )
                },
            ),
            _row(f"Production tick, {name}", _median(lambda number: production(later(number)))),
            _row(f"Settling {quarters} quarters once, {name}", settled_ms),
            _row(
                f"Explain an equipment's shift so far, {name}",
                _median(lambda _, now=now: explain(machine, floor.START, now, now)),
            ),
        ]
        of_ages.append((tick, rows[-4]["its ms"]))
        floor.clear()
    (early, early_all), (late, late_all) = of_ages
    grown = _row("OEE tick late in the shift / early (a ratio)", late / early)
    grown["its ms"] = late_all / early_all  # type: ignore[operator]  # both are milliseconds
    return [*rows, grown]


def _pareto() -> list[Row]:
    from benchmarks import floor  # noqa: PLC0415 - after the set-up of Django
    from production.models import Downtime  # noqa: PLC0415
    from production.pareto import pareto  # noqa: PLC0415
    from production.settling import settle  # noqa: PLC0415

    ids = floor.build(OF_PARETO // EACH, EACH)
    start, end = floor.START - timedelta(days=DAYS), floor.START
    floor.live(ids, start, end, counted=False)
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

    ms = _median(lambda _: pareto(ids, start, end, end))
    title = f"Pareto, {DAYS} days x {len(ids)} equipment, {downtimes.count():,} downtimes"
    asked = "through the ORM, a query for each reason, breaks not taken out"
    joined = "through the ORM, reasons joined, breaks not taken out"
    return [
        _row(
            title,
            ms,
            PARETO_AIM_MS,
            beside=asked,
            **{"its ms": _median(lambda _: naive(downtimes), 1)},
        ),
        _row(
            title,
            ms,
            PARETO_AIM_MS,
            beside=joined,
            **{"its ms": _median(lambda _: naive(downtimes.select_related("reason")), 3)},
        ),
    ]


def main(part: str) -> None:
    import django  # noqa: PLC0415 - a process of its own

    django.setup()
    sys.stdout.write(json.dumps(_ticks() if part == "ticks" else _pareto()))


if __name__ == "__main__":
    main(sys.argv[1])
