"""Samples summed up by the minute, and the points of a trend made of them (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
_PARTS = 3
_WORST_FIRST = ("bad", "stale", "uncertain", "good")
_RANK = {quality: rank for rank, quality in enumerate(_WORST_FIRST)}


@dataclass(frozen=True, slots=True)
class Point:
    """What a tag read from `at` to `until`. Without numbers nothing was known of it."""

    at: datetime
    until: datetime
    least: float | None
    most: float | None
    mean: float | None
    last: float | None
    count: int
    quality: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A sample: a value that holds from `at` until the next one; None when it is not to be believed."""

    at: datetime
    value: float | None
    quality: str


def worst(qualities: Iterable[str]) -> str:
    """Return the worst of them; nothing at all is bad."""
    return min(qualities, key=_WORST_FIRST.index, default="bad")


def stretches(
    samples: Sequence[Kept], end: datetime, longest: timedelta, *, carried: Kept | None = None
) -> list[Point]:
    """Return how long each sample held, in order and without overlap, up to `end`.

    A value holds until the next sample, but no longer than `longest`: after that it should have been
    stored again, and whoever stored it was away. So a gap stays a gap. `carried` is the sample before.
    """
    row = ([carried] if carried else []) + sorted(samples, key=lambda sample: sample.at)
    found = []
    for place, sample in enumerate(row):
        next_at = row[place + 1].at if place + 1 < len(row) else end
        until = min(next_at, sample.at + longest, end)
        if until > sample.at:
            value = sample.value
            found.append(Point(sample.at, until, value, value, value, value, 1, sample.quality))
    return found


def clipped(points: Iterable[Point], start: datetime, end: datetime) -> list[Point]:
    """Return the parts of the points that lie within, half open."""
    return [
        replace(point, at=max(point.at, start), until=min(point.until, end))
        for point in points
        if point.until > start and point.at < end
    ]


def merged(points: Sequence[Point], start: datetime, end: datetime) -> Point | None:
    """Return one point of all those within a bucket, weighted by time; None where there is none.

    The point spans what was known or told in it, not the whole bucket, so that a gap does not close.
    """
    within = clipped(points, start, end)
    if not within:
        return None
    known = [point for point in within if point.mean is not None]
    weights = [(point.until - point.at) / timedelta(seconds=1) for point in known]
    total = sum(weights)
    mean = None
    if known:
        values = [point.mean or 0.0 for point in known]
        mean = (
            sum(value * weight for value, weight in zip(values, weights, strict=True)) / total
        )
    return Point(
        at=within[0].at,
        until=within[-1].until,
        least=min((point.least for point in known if point.least is not None), default=None),
        most=max((point.most for point in known if point.most is not None), default=None),
        mean=mean,
        last=known[-1].last if known else None,
        count=sum(point.count for point in within),
        quality=worst(point.quality for point in within),
    )


def summed(
    samples: Sequence[Kept],
    start: datetime,
    end: datetime,
    longest: timedelta,
    *,
    carried: Kept | None = None,
) -> Point | None:
    """Return one point of a bucket from its samples, in order: `merged` of their `stretches`, in one go."""
    row = [carried, *samples] if carried else samples
    least = most = last = began = until = None
    total = weighted = 0.0
    count, quality = 0, len(_WORST_FIRST)
    for place, sample in enumerate(row):
        at, value = max(sample.at, start), sample.value
        next_at = row[place + 1].at if place + 1 < len(row) else end
        ended = min(next_at, sample.at + longest, end)
        if ended <= at:
            continue
        began, until, count = began or at, ended, count + 1
        quality = min(quality, _RANK[sample.quality])
        if value is None:
            continue
        weight = (ended - at).total_seconds()
        total, weighted, last = total + weight, weighted + value * weight, value
        least = value if least is None or value < least else least
        most = value if most is None or value > most else most
    if began is None or until is None:
        return None
    mean = weighted / total if last is not None else None
    return Point(began, until, least, most, mean, last, count, _WORST_FIRST[quality])


def thinned(points: Sequence[Point], start: datetime, end: datetime, most: int) -> list[Point]:
    """Return at most so many points of the same course, each the least, most and mean of a bucket.

    What is known in a bucket stays apart from what is not, and from a gap. A bucket where that changes more
    often than it has room for, which is three points, is one point that is as bad as its worst.
    """
    if len(points) <= most:
        return clipped(points, start, end)
    width = (end - start) / max(1, most // _PARTS)
    buckets: dict[int, list[list[Point]]] = {}
    for point in _cut(clipped(points, start, end), start, width):
        runs = buckets.setdefault(int((point.at - start) / width), [])
        last = runs[-1][-1] if runs else None
        if last and point.at == last.until and (point.mean is None) == (last.mean is None):
            runs[-1].append(point)
        else:
            runs.append([point])
    found: list[Point] = []
    for runs in buckets.values():
        if len(runs) <= _PARTS:
            found += [_whole(run) for run in runs]
        else:
            one = _whole([point for run in runs for point in run])
            found.append(replace(one, quality="bad"))
    return found


def _cut(points: Iterable[Point], start: datetime, width: timedelta) -> Iterable[Point]:
    """Return the points cut where a bucket ends."""
    for each in points:
        point = each
        while True:
            edge = start + width * (int((point.at - start) / width) + 1)
            # Rounding to whole microseconds may leave an edge on the point itself.
            if edge <= point.at:
                edge += width
            if point.until <= edge:
                yield point
                break
            yield replace(point, until=edge)
            point = replace(point, at=edge, count=0)


def _whole(run: Sequence[Point]) -> Point:
    found = merged(run, run[0].at, run[-1].until)
    assert found is not None  # noqa: S101 - a run is not empty
    return found
