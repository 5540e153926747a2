"""The Pareto of downtime as its page prints it: bars, shares, and what nobody has explained first (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from production.pareto import Pareto, Row
from realtime.formats import NOTHING, tenth, whole

WIDTH = 1000
MEASURES = (("minutes", "Minutes"), ("count", "Count"), ("parts", "Lost parts"))


@dataclass(frozen=True, slots=True)
class Bar:
    """A cause: its figures, and its bar in a drawing 1,000 wide; `sum_at` is where the running sum stands."""

    code: str
    name: str
    minutes: str
    count: str
    parts: str
    share: str
    cumulative: str
    width: float
    sum_at: float
    unassigned: bool


@dataclass(frozen=True, slots=True)
class ParetoDrawn:
    """What is printed, and the same as plain cells for CSV."""

    measure: str
    measures: Sequence[tuple[str, str]]
    bars: Sequence[Bar]
    planned: Sequence[Bar]
    unassigned: str
    small_stops: str
    small_minutes: str
    columns: Sequence[str]
    cells: Sequence[Sequence[str | float | None]]


def draw_pareto(found: Pareto, measure: str) -> ParetoDrawn:
    """Return the Pareto by minutes, count or lost parts; an unknown measure is minutes."""
    measure = measure if measure in dict(MEASURES) else "minutes"
    bars = _bars(found.rows, measure)
    rows = [("loss", row) for row in found.rows] + [("planned", row) for row in found.planned]
    return ParetoDrawn(
        measure=measure,
        measures=MEASURES,
        bars=bars,
        planned=_bars(found.planned, measure),
        unassigned=tenth(found.unassigned_minutes),
        small_stops=whole(found.small_stops),
        small_minutes=tenth(found.small_stop_minutes),
        columns=("kind", "code", "name", "minutes", "count", "lost parts", "share"),
        cells=[
            (
                kind,
                row.code,
                row.name,
                round(row.minutes, 3),
                row.count,
                None if row.lost_parts is None else round(float(row.lost_parts), 1),
                row.share,
            )
            for kind, row in rows
        ],
    )


def _value(row: Row, measure: str) -> float:
    match measure:
        case "count":
            return row.count
        case "parts":
            return float(row.lost_parts or 0)
        case _:
            return row.minutes


def _bars(rows: Sequence[Row], measure: str) -> list[Bar]:
    """Return the bars longest first, what nobody has explained before all."""
    ordered = sorted(rows, key=lambda row: (row.code is not None, -_value(row, measure)))
    whole_sum = sum(_value(row, measure) for row in ordered)
    longest = max((_value(row, measure) for row in ordered), default=0.0)
    bars, sum_ = [], 0.0
    for row in ordered:
        value = _value(row, measure)
        sum_ += value
        bars.append(
            Bar(
                code=row.code or "",
                name=row.name,
                minutes=tenth(row.minutes),
                count=whole(row.count),
                parts=NOTHING if row.lost_parts is None else whole(float(row.lost_parts)),
                share=tenth(value / whole_sum * 100) if whole_sum else NOTHING,
                cumulative=tenth(sum_ / whole_sum * 100) if whole_sum else NOTHING,
                width=round(value / longest * WIDTH, 1) if longest else 0.0,
                sum_at=round(sum_ / whole_sum * WIDTH, 1) if whole_sum else 0.0,
                unassigned=row.code is None,
            )
        )
    return bars
