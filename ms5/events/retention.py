"""Retention: old facts leave the log in chunks, and the tail rises in the same transaction."""

from datetime import datetime, timedelta

from django.db import transaction

from ms5.events.models import Event, Stream

CHUNK = 1000


def prune(
    *,
    now: datetime,
    keep: timedelta,
    keep_count: int,
    stream: str | None = None,
    chunk: int = CHUNK,
) -> int:
    """Drop facts that are older than `keep` and beyond the newest `keep_count` of their stream.

    Of one stream, or of all. Return how many went. Production history and audit are other tables and
    are not touched.
    """
    streams = Stream.objects.order_by("name")
    chosen = streams if stream is None else streams.filter(name=stream)
    return sum(
        _prune_stream(pk, before=now - keep, keep_count=keep_count, chunk=chunk)
        for pk in chosen.values_list("pk", flat=True)
    )


def _prune_stream(pk: int, *, before: datetime, keep_count: int, chunk: int) -> int:
    gone = 0
    while True:
        with transaction.atomic():
            stream = Stream.objects.select_for_update().get(pk=pk)
            oldest = Event.objects.filter(stream=stream, seq__lte=stream.head - keep_count)
            seqs = list(
                oldest.filter(seq__lt=stream.tail + chunk)
                .order_by("seq")
                .values_list("seq", "recorded_at")
            )
            # Only a prefix may go, or the log would have a hole.
            last = stream.tail - 1
            for seq, recorded_at in seqs:
                if recorded_at >= before:
                    break
                last = seq
            if last < stream.tail:
                return gone
            removed, _ = Event.objects.filter(stream=stream, seq__lte=last).delete()
            Stream.objects.filter(pk=pk).update(tail=last + 1)
        gone += removed
