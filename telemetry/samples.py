"""Samples: what is worth keeping of the readings goes into the database."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from ms5.database import chunks
from ms5.rows import insert_values, time_adapter
from telemetry.drivers.base import Quality, Reading
from telemetry.keeping import Shown, repeats, show, worth_keeping
from telemetry.models import Sample, Tag, TagLatest
from telemetry.wiring import WiredTag

log = logging.getLogger(__name__)

LATEST_EVERY_S = 5.0
_AT_ONCE = 2000
COLUMNS = ("tag_id", "raw", "value", "text", "quality", "error", "source_at", "received_at")
Row = tuple[int | float | str | datetime | None, ...]


class Samples:
    """What was last kept of each tag of a shard. Used by one thread at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[int, Shown] = {}
        self._judged: dict[int, Reading] = {}
        self._unwritten: dict[int, Row] = {}
        self._written_at = clock()

    def follow(self, tag_ids: Iterable[int]) -> None:
        """Keep the samples of these tags from now on, beginning with what the database has of them."""
        wanted = set(tag_ids)
        self._kept = {key: shown for key, shown in self._kept.items() if key in wanted}
        self._unwritten = {key: row for key, row in self._unwritten.items() if key in wanted}
        # A tag that was edited may be worth keeping where it was not before.
        self._judged = {}
        # The latest are written a little later than the samples: a worker that died may owe some.
        for some in chunks(sorted(wanted - self._kept.keys()), _AT_ONCE):
            known: list[TagLatest | Sample] = [
                *TagLatest.objects.filter(tag__in=some),
                *newest(some),
            ]
            for row in sorted(known, key=lambda row: row.received_at):
                self._kept[row.tag_id] = Shown(
                    row.raw, row.value, row.text, row.quality, row.error, row.source_at
                )

    def keep(self, readings: Iterable[tuple[WiredTag, Reading]], received_at: datetime) -> int:
        """Store the readings that are worth it; return how many.

        The newest sample of a tag is written at once when its quality changed, else with the others
        every few seconds, since it is an update where a sample is only added.
        """
        kept: dict[int, Shown] = {}
        judged: dict[int, Reading] = {}
        for tag, reading in readings:
            before = self._kept.get(tag.id)
            if before is not None and repeats(
                self._judged.get(tag.id), reading, before, longest=tag.longest_interval
            ):
                continue
            judged[tag.id] = reading
            shown = show(tag.meaning, reading)
            if worth_keeping(
                before,
                shown,
                deadband=tag.deadband,
                longest=tag.longest_interval,
                percent=tag.deadband_is_percent,
            ):
                kept[tag.id] = shown
                _log(tag, before, shown)
        # A PLC's readings share their time, and putting a time into words is most of a row's cost.
        adapt = time_adapter()
        rows = {key: _row(key, shown, received_at, adapt) for key, shown in kept.items()}
        unwritten = self._unwritten | rows
        due = self._clock() - self._written_at >= LATEST_EVERY_S
        now = unwritten if due else {key: rows[key] for key in kept if self._is_news(key, kept)}
        with transaction.atomic(savepoint=False):
            insert_values(Sample, COLUMNS, list(rows.values()))
            insert_values(TagLatest, COLUMNS, list(now.values()), key=COLUMNS[:1])
            # A rollback must not leave us believing that what was undone is kept.
            transaction.on_commit(lambda: self._commit(kept, judged, unwritten, now))
        return len(kept)

    def kept(self, tag_id: int) -> Shown | None:
        """Return what was last kept of a tag."""
        return self._kept.get(tag_id)

    def _is_news(self, key: int, kept: Mapping[int, Shown]) -> bool:
        before, shown = self._kept.get(key), kept[key]
        return before is None or (before.quality, before.error) != (shown.quality, shown.error)

    def _commit(
        self,
        kept: Mapping[int, Shown],
        judged: Mapping[int, Reading],
        unwritten: Mapping[int, Row],
        written: Mapping[int, Row],
    ) -> None:
        self._kept.update(kept)
        self._judged.update(judged)
        self._unwritten = {key: row for key, row in unwritten.items() if key not in written}
        if not self._unwritten:
            self._written_at = self._clock()


def newest(tag_ids: Collection[int], before: datetime | None = None) -> QuerySet[Sample]:
    """Return the newest sample of each of the tags, where it has one, or the newest before a moment."""
    own = Sample.objects.filter(tag=OuterRef("pk"))
    if before is not None:
        own = own.filter(source_at__lt=before)
    found = Subquery(own.order_by("-source_at", "-pk").values("pk")[:1])
    last = Tag.objects.filter(pk__in=tag_ids).values(newest=found)
    return Sample.objects.filter(pk__in=last).order_by()


def _log(tag: WiredTag, before: Shown | None, shown: Shown) -> None:
    """Log that a tag went bad or came back; that its PLC is lost is said once, elsewhere."""
    fields = {"plc": tag.plc_code, "tag": tag.meaning.name}
    if shown.quality == Quality.BAD:
        log.warning("tag bad", extra=fields | {"error": shown.error})
    elif before is not None and before.quality == Quality.BAD:
        log.info("tag good again", extra=fields)


def _row(
    tag_id: int,
    shown: Shown,
    received_at: datetime,
    adapt: Callable[[datetime], str | datetime | None],
) -> Row:
    """Return the values of COLUMNS."""
    return (
        tag_id,
        shown.raw,
        shown.value,
        shown.text,
        shown.quality,
        shown.error,
        adapt(shown.at),
        adapt(received_at),
    )
