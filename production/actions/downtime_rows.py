"""Rows of downtimes as corrections find, change and show them, and the spans that go with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from production.actions.drafts import Fields, Row, moment, refuse
from production.choices import CorrectionSubject, State
from production.halves import TIMES, Times
from production.models import Condition, Downtime, Span
from production.recutting import Told
from production.timeline import Stretch

# What a person knows of a downtime; the rest of its columns follow from these.
ENDS = ("started_at", "ended_at", "merged_into_id")
SAID = ("reason_id", "category", "reported_by_id", "confirmed_by_id", "confirmed_at")
REASON = (*SAID, "note")


def present(condition: Condition, pk: int) -> Downtime:
    """Return a downtime of the equipment, locked; refuse one that is gone or was merged."""
    row: Downtime | None = (
        Downtime.objects.select_for_update(of=("self",))
        .select_related("equipment__line", "reason")
        .filter(pk=pk, equipment=condition.equipment_id)
        .first()
    )
    if row is None:
        raise refuse("gone", "There is no such downtime of this equipment.")
    if row.merged_into_id is not None:
        raise refuse("merged", "It was merged; correct the downtime that has its time.", row)
    return row


def stopped_since(condition: Condition) -> None:
    """Let the condition of an equipment that stands say where its stop now begins."""
    if condition.stopped_since is None:
        return
    spans = Span.objects.filter(equipment=condition.equipment_id).order_by("-started_at")
    ran = spans.filter(state=State.RUNNING).first()
    stood = spans.exclude(state__in=[State.RUNNING, State.NO_DATA])
    if ran is not None and ran.ended_at is not None:
        stood = stood.filter(started_at__gte=ran.ended_at)
    first = stood.last()
    condition.stopped_since = first.started_at if first is not None else None
    condition.save(update_fields=["stopped_since"])


def change(row: Downtime, changes: dict[str, Any]) -> None:
    """Write some columns of a downtime and its next version."""
    Downtime.objects.filter(pk=row.pk).update(**changes, version=F("version") + 1)
    row.refresh_from_db()


def times_of(row: Downtime) -> Times:
    """Return when somebody came, and when it was mended."""
    return {name: getattr(row, name) for name in TIMES}


def over_at(row: Downtime, now: datetime) -> datetime:
    """Return its end, or the moment of asking while it lasts."""
    return row.ended_at or max(now, row.started_at + timedelta(microseconds=1))


def shown(pk: int, before: Fields, after: Fields) -> Row:
    """Return the row of a downtime for a preview."""
    return Row(subject=CorrectionSubject.DOWNTIME.value, id=pk, before=before, after=after)


def span_rows(old: Sequence[Span], new: Sequence[Stretch[Told]]) -> list[Row]:
    """Return the spans that go and those that come, for a preview; what stays the same is left out."""
    subject = CorrectionSubject.SPAN.value
    stays = {(part.what.state, part.started_at, part.ended_at) for part in new}
    was = {(span.state, span.started_at, span.ended_at) for span in old}
    gone = [
        Row(subject=subject, id=span.pk, before=_span(*key), after={})
        for span in old
        if (key := (span.state, span.started_at, span.ended_at)) not in stays
    ]
    come = [
        Row(subject=subject, id=None, before={}, after=_span(*key))
        for part in new
        if (key := (part.what.state, part.started_at, part.ended_at)) not in was
    ]
    return gone + come


def _span(state: str, started_at: datetime, ended_at: datetime | None) -> Fields:
    return {"state": state, "started_at": moment(started_at), "ended_at": moment(ended_at)}
