"""The course of a tag as a picture: steps where it was known, hatch where not, gaps left empty (pure)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from realtime.formats import NOTHING

WIDTH, HEIGHT = 1000, 200
_STEPS = (
    *(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=h) for h in (1, 2, 3, 6, 12)),
    *(timedelta(days=d) for d in (1, 2, 7)),
)
_MOST_TICKS = 7
_EDGE = 8
"""Room above and below, so that a line at the end of the axis is seen."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stretch to draw: its numbers, or none where nothing was known."""

    at: datetime
    until: datetime
    least: float | None
    most: float | None
    mean: float | None
    quality: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """One tag's picture, with the words beside it. `stops` are what the keyboard walks along."""

    lines: tuple[str, ...]
    """The `points` of a polyline each; between two of them nothing was known."""
    bands: tuple[Box, ...]
    hatches: tuple[Box, ...]
    top: str
    bottom: str
    ticks: tuple[tuple[float, str], ...]
    stops: tuple[tuple[float, str], ...]
    label: str


def draw(
    name: str,
    unit: str,
    points: Sequence[Drawn],
    *,
    start: datetime,
    end: datetime,
    zone: tzinfo,
) -> Chart:
    """Return the picture of what is known between two moments."""
    low, high = _scale(points)
    x = _x(start, end)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE), 1)

    runs: list[list[str]] = []
    bands, hatches, stops = [], [], []
    edge: datetime | None = None
    for point in points:
        left, right = x(point.at), x(point.until)
        if point.quality != "good" or point.mean is None:
            hatches.append(Box(left, 0, _wide(left, right), HEIGHT))
        stops.append((round((left + right) / 2, 1), _words(point, unit, zone)))
        if point.mean is None:
            edge = None
            continue
        if edge != point.at:
            runs.append([])
        runs[-1] += [f"{left},{y(point.mean)}", f"{right},{y(point.mean)}"]
        edge = point.until
        if point.least is not None and point.most is not None and point.least < point.most:
            top = y(point.most)
            bands.append(Box(left, top, _wide(left, right), round(y(point.least) - top, 1)))
    return Chart(
        lines=tuple(" ".join(run) for run in runs),
        bands=tuple(bands),
        hatches=tuple(hatches),
        top=_number(high, unit),
        bottom=_number(low, unit),
        ticks=tuple((x(at), text) for at, text in ticks(start, end, zone)),
        stops=tuple(stops),
        label=_label(name, unit, points),
    )


def ticks(start: datetime, end: datetime, zone: tzinfo) -> list[tuple[datetime, str]]:
    """Return round moments between two, at most seven, with their words."""
    span = end - start
    step = next((each for each in _STEPS if span / each <= _MOST_TICKS), _STEPS[-1])
    midnight = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * max(0, math.ceil((start - midnight) / step))
    form = "%d.%m." if step >= timedelta(days=1) else "%H:%M"
    found = []
    while at < end:
        found.append((at, f"{at:{form}}"))
        at += step
    return found


def _scale(points: Sequence[Drawn]) -> tuple[float, float]:
    """Return the least and the most of the axis, never the same."""
    values = [
        value for point in points for value in (point.least, point.most) if value is not None
    ]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high == low:
        return (
            (0.0, 1.0) if low in {0.0, 1.0} else (low - abs(low) * 0.1, high + abs(high) * 0.1)
        )
    return low, high


def _x(start: datetime, end: datetime) -> "_Axis":
    return _Axis(start, end - start)


@dataclass(frozen=True, slots=True)
class _Axis:
    start: datetime
    span: timedelta

    def __call__(self, at: datetime) -> float:
        return round((at - self.start) / self.span * WIDTH, 1)


def _wide(left: float, right: float) -> float:
    """Return a width that can be seen."""
    return round(max(right - left, 0.5), 1)


def _words(point: Drawn, unit: str, zone: tzinfo) -> str:
    when = f"{point.at.astimezone(zone):%d.%m. %H:%M:%S}"
    if point.mean is None:
        return f"{when}: no value, {point.quality}"
    told = _number(point.mean, unit)
    if point.least is not None and point.most is not None and point.least < point.most:
        told += f" ({_number(point.least)} to {_number(point.most)})"
    return f"{when}: {told}" + ("" if point.quality == "good" else f", {point.quality}")


def _number(value: float, unit: str = "") -> str:
    return f"{value:.4g} {unit}".strip() if abs(value) < 1e4 else f"{value:.0f} {unit}".strip()


def _label(name: str, unit: str, points: Sequence[Drawn]) -> str:
    """Return in words what the picture shows, for who does not see it."""
    known = [point for point in points if point.mean is not None]
    if not known:
        return f"{name}: nothing was read."
    least = min(point.least for point in known if point.least is not None)
    most = max(point.most for point in known if point.most is not None)
    last = known[-1].mean
    shown = NOTHING if last is None else _number(last, unit)
    return f"{name}: from {_number(least)} to {_number(most)}, last {shown}."
