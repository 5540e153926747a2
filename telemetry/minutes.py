"""The samples summed up by the minute: written by a task, and kept longer than the samples."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from telemetry.models import RollUp, Sample, SampleMinute, Tag
from telemetry.rolling import MINUTE, Kept, merged, stretches, worst
from telemetry.trends import holds

SETTLES = timedelta(minutes=2)
"""How late a sample may come and still be in the first sum of its minute; a later one is summed up again."""
MOST = 50_000
"""Samples looked at in one run; the next one goes on where it ended."""
CHUNK = 5000
CHUNKS = 100
_BATCH = 500
_UNIQUE = ["tag", "minute"]
_FIGURES = ["least", "most", "mean", "last", "count", "quality"]


def roll_up(now: datetime) -> int:
    """Sum up the minutes that are over and have samples nobody has summed up; return how many.

    Idempotent, and two at once write the same: each minute is summed up whole from its samples. A sample
    that comes late, such as one that waited for the database, has its minute summed up again.
    """
    over = _minute(now)
    after = RollUp.objects.filter(pk=1).values_list("after", flat=True).first() or 0
    rows = list(
        Sample.objects.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", "tag_id", "source_at", "received_at")[:MOST]
    )
    touched: dict[int, set[datetime]] = defaultdict(set)
    done = after
    is_whole = True
    for key, tag_id, source_at, received_at in rows:
        if _minute(source_at) < over:
            touched[tag_id].add(_minute(source_at))
        # What follows one that is young is looked at again, since its minute may not be over.
        is_whole = is_whole and received_at < now - SETTLES and _minute(source_at) < over
        done = key if is_whole else done
    found = [
        summed for tag_id, minutes in touched.items() for summed in _summed(tag_id, minutes)
    ]
    with transaction.atomic():
        SampleMinute.objects.bulk_create(
            found,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=_UNIQUE,
            update_fields=_FIGURES,
        )
        RollUp.objects.update_or_create(pk=1, defaults={"after": done})
    return len(found)


def _summed(tag_id: int, minutes: Iterable[datetime]) -> Iterable[SampleMinute]:
    """Return the sums of these minutes of a tag; one of texts alone has none."""
    wanted = sorted(minutes)
    longest = _longest(tag_id)
    rows = Sample.objects.filter(
        tag=tag_id, source_at__gte=wanted[0], source_at__lt=wanted[-1] + MINUTE
    )
    by_minute: Mapping[datetime, list[Kept]] = defaultdict(list)
    for value, quality, at in rows.order_by("source_at", "pk").values_list(
        "value", "quality", "source_at"
    ):
        by_minute[_minute(at)].append(Kept(at, value, quality))
    for minute in wanted:
        samples = by_minute.get(minute, [])
        if not samples or all(
            each.value is None and each.quality == "good" for each in samples
        ):
            continue
        point = merged(
            stretches(samples, minute + MINUTE, longest, carried=_before(tag_id, minute)),
            minute,
            minute + MINUTE,
        )
        if point is not None:
            yield SampleMinute(
                tag_id=tag_id,
                minute=minute,
                least=point.least,
                most=point.most,
                mean=point.mean,
                last=point.last,
                count=len(samples),
                quality=worst([point.quality, *(each.quality for each in samples)]),
            )


def _before(tag_id: int, minute: datetime) -> Kept | None:
    """Return the sample that a minute began with."""
    row = (
        Sample.objects.filter(tag=tag_id, source_at__lt=minute)
        .order_by("-source_at", "-pk")
        .values_list("source_at", "value", "quality")
        .first()
    )
    return Kept(*row) if row else None


def _longest(tag_id: int) -> timedelta:
    return holds(Tag.objects.select_related("plc").get(pk=tag_id))


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def prune(*, before: datetime, chunk: int = CHUNK, chunks: int = CHUNKS) -> int:
    """Drop the minutes that began before a moment, the oldest rows first; return how many went."""
    gone = 0
    for _ in range(chunks):
        oldest = SampleMinute.objects.order_by("pk").values_list("pk", "minute")[:chunk]
        old = [key for key, minute in oldest if minute < before]
        if not old:
            break
        gone += SampleMinute.objects.filter(pk__in=old).delete()[0]
        if len(old) < chunk:
            break
    return gone
