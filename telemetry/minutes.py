"""The samples summed up by the minute: written by a task."""

import functools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Count, Func, Q

from ms5 import rows
from ms5.database import chunks
from telemetry.models import RollUp, Sample, SampleMinute, Tag
from telemetry.rolling import MINUTE, Kept, Point, summed, worst
from telemetry.samples import newest
from telemetry.trends import holds

SETTLES = timedelta(minutes=2)
"""How late a sample may come and still be in the first sum of its minute; a later one is summed up again."""
MOST = 1_000_000
"""Samples looked at in one run; the next one goes on where it ended."""
_BATCH = 500
_TAG_MINUTES = 1500
"""Minutes of tags that are summed up at once."""
_UNIQUE = ["tag", "minute"]
_FIGURES = ["least", "most", "mean", "last", "count", "quality"]

Touched = Mapping[int, Collection[datetime]]
"""Minutes by tag."""


def roll_up(now: datetime) -> int:
    """Sum up the minutes that are over and have samples nobody has summed up; return how many changed.

    Idempotent, and two at once write the same: each minute is summed up whole from its samples. A sample
    that comes late, such as one that waited for the database, has its minute summed up again.
    """
    over = _minute(now)
    done = RollUp.objects.filter(pk=1).values_list("after", flat=True).first() or 0
    following = Sample.objects.filter(pk__gt=done).values_list("pk", flat=True)
    first, last = following.order_by("pk").first(), following.order_by("-pk").first()
    if first is None or last is None:
        return 0
    # Keys may have gaps of any length.
    until = min(last, first + MOST - 1)
    looked_at = Sample.objects.filter(pk__gte=first, pk__lte=until).order_by()
    # One from a clock that was ahead: what comes of its minute later sums it up again.
    is_ahead = Q(received_at__gt=now + SETTLES)
    is_young = Q(source_at__gte=over) | Q(received_at__gte=now - SETTLES)
    # What follows one that is young is looked at again, since its minute may not be over. Asked first: what
    # is committed from now on is among those that are touched.
    young = looked_at.filter(~is_ahead & is_young).order_by("pk").values_list("pk", flat=True)
    after = (young.first() or until + 1) - 1
    touched: dict[int, set[datetime]] = defaultdict(set)
    for tag_id, text in (
        looked_at.filter(is_ahead | Q(source_at__lt=over))
        .values_list("tag_id", _MinuteText("source_at"))
        .distinct()
    ):
        touched[tag_id].add(_minute_of(text))
    changed = {
        tag_id: minutes
        for some in _alike(touched)
        for tag_id, minutes in _changed(some).items()
    }
    found = [minute for some in _alike(changed) for minute in _summed(some)]
    with transaction.atomic():
        SampleMinute.objects.bulk_create(
            found,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=_UNIQUE,
            update_fields=_FIGURES,
        )
        RollUp.objects.update_or_create(pk=1, defaults={"after": after})
    return len(found)


class _MinuteText(Func):
    """The minute of a time as text, which the database makes at no cost to us."""

    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """SQLite keeps times in UTC, as text."""
        return self.as_sql(compiler, connection, template="SUBSTR(%(expressions)s, 1, 16)")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """The same text."""
        form = "TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"
        return self.as_sql(compiler, connection, template=form)


@functools.lru_cache
def _minute_of(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _alike(touched: Touched) -> Iterable[Touched]:
    """Return the tags in parts that are asked for together: those touched in the same stretch of time.

    The longer that is, the fewer they are, so that what is read at once stays about the same.
    """
    by_stretch: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for tag_id, minutes in touched.items():
        by_stretch[min(minutes), max(minutes)].append(tag_id)
    for (first, last), tags in by_stretch.items():
        room = max(1, _TAG_MINUTES // ((last - first) // MINUTE + 1))
        for some in chunks(tags, room):
            yield {tag_id: touched[tag_id] for tag_id in some}


def _changed(touched: Touched) -> Touched:
    """Return those minutes of tags, touched in the same stretch of time, whose sums may have changed.

    They are those whose samples are not as many as were summed up, and what follows one of them.
    """
    first, end = _stretch(touched)
    summed_up: dict[tuple[int, datetime], int] = {
        (tag_id, minute): count
        for tag_id, minute, count in SampleMinute.objects.filter(
            tag__in=touched, minute__gte=first, minute__lt=end
        )
        .order_by()
        .values_list("tag_id", "minute", "count")
    }
    changed: dict[int, datetime] = {}
    for tag_id, text, count in (
        Sample.objects.filter(tag__in=touched, source_at__gte=first, source_at__lt=end)
        .order_by()
        .values_list("tag_id", _MinuteText("source_at"))
        .annotate(count=Count("pk"))
    ):
        minute = _minute_of(text)
        if minute in touched[tag_id] and summed_up.get((tag_id, minute)) != count:
            changed[tag_id] = min(minute, changed.get(tag_id, minute))
    return {
        tag_id: {minute for minute in touched[tag_id] if minute >= begin}
        for tag_id, begin in changed.items()
    }


def _stretch(touched: Touched) -> tuple[datetime, datetime]:
    """Return when the first of these minutes begins and the last one ends."""
    return min(map(min, touched.values())), max(map(max, touched.values())) + MINUTE


def _summed(touched: Touched) -> Iterable[SampleMinute]:
    """Return the sums of these minutes of tags touched in the same stretch of time."""
    first, end = _stretch(touched)
    samples: dict[int, list[Kept]] = defaultdict(list)
    adapt = rows.time_adapter()
    for tag_id, at, value, quality in rows.read_values(
        Sample,
        ("tag_id", "source_at", "value", "quality"),
        f"WHERE tag_id IN ({rows.marks(touched)}) AND source_at >= %s AND source_at < %s"
        " ORDER BY tag_id, source_at, id",
        [*touched, adapt(first), adapt(end)],
    ):
        samples[tag_id].append(Kept(at, value, quality))
    before = {
        tag_id: Kept(at, value, quality)
        for tag_id, at, value, quality in newest(touched, first).values_list(
            "tag_id", "source_at", "value", "quality"
        )
    }
    # A tag that was deleted meanwhile is no more among these.
    for tag in Tag.objects.select_related("plc").filter(pk__in=touched).order_by("pk"):
        minutes = _of_tag(
            sorted(touched[tag.pk]), samples[tag.pk], before.get(tag.pk), holds(tag)
        )
        for point, count, quality in minutes:
            yield SampleMinute(
                tag_id=tag.pk,
                minute=_minute(point.at),
                least=point.least,
                most=point.most,
                mean=point.mean,
                last=point.last,
                count=count,
                quality=quality,
            )


def _of_tag(
    wanted: Sequence[datetime],
    samples: Sequence[Kept],
    before: Kept | None,
    longest: timedelta,
) -> Iterable[tuple[Point, int, str]]:
    """Return point, samples and quality of these minutes of a tag. One of texts alone has no sum."""
    by_minute: Mapping[datetime, list[Kept]] = defaultdict(list)
    for sample in samples:
        by_minute[_minute(sample.at)].append(sample)
    times = [sample.at for sample in samples]
    for minute in wanted:
        own = by_minute.get(minute, [])
        if all(each.value is None and each.quality == "good" for each in own):
            continue
        place = bisect_left(times, minute)
        carried = samples[place - 1] if place else before
        point = summed(own, minute, minute + MINUTE, longest, carried=carried)
        if point is not None:
            yield point, len(own), worst([point.quality, *(each.quality for each in own)])


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)
