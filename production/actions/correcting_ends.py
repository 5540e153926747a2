"""The ends of a downtime moved, with the states of the time that it gains or loses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from production import recutting
from production.actions import superseding
from production.actions.downtime_rows import change, shown, span_rows, stopped_since
from production.actions.drafts import Changed, Draft, Fields, moment, refuse
from production.choices import CorrectionKind, CorrectionSubject, State
from production.models import Condition, Correction, Downtime, Span
from production.recutting import Told
from production.timeline import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Move the start or the end of a downtime; None leaves it where it is."""

    downtime_id: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    over_no_data: bool = False
    """Whether time that nobody measured may become the stop's, or running."""
    version: int | None = None


def draft(what: Moved, condition: Condition, row: Downtime) -> Draft:
    """Return what is to be done; of one that lasts the start alone, and nothing of the present state."""
    old = (row.started_at, row.ended_at)
    new = (what.started_at or row.started_at, what.ended_at or row.ended_at)
    if new == old:
        raise refuse("unchanged", "Its ends are there already.", row)
    if row.ended_at is None and what.ended_at is not None:
        raise refuse(
            "lasts",
            "It still lasts: its end can be moved once it runs again. Its start and its reason can be put right"
            " now.",
            row,
        )
    if new[1] is not None and new[0] >= new[1]:
        raise refuse("outside", "A downtime takes time: its end lies after its start.", row)
    turned = [
        (low, high) for low, high in (sorted(pair) for pair in _both(old, new)) if low < high
    ]
    since = condition.since
    latest = max(high for _, high in turned)
    if since is None or latest > since:
        raise refuse(
            "present",
            "That reaches into the present state: choose a time before it began, or put it right once it has"
            " ended.",
            row,
        )
    _demand_room(condition, row, *new)
    first, last = min(low for low, _ in turned), latest
    # Those that only touch the time become one with what takes their state.
    touched = list(
        Span.objects.filter(
            equipment=condition.equipment_id, started_at__lte=last, ended_at__gte=first
        ).order_by("started_at")
    )
    recut = _recut(touched, row, old, new, over_no_data=what.over_no_data)
    affected = _whole_stops(
        condition, min(first, row.started_at), max(last, row.ended_at or last)
    )
    before: Fields = {"started_at": moment(old[0]), "ended_at": moment(old[1])}
    after: Fields = {"started_at": moment(new[0]), "ended_at": moment(new[1])}

    def make(correction: Correction) -> Changed:
        superseding.keep(row, correction)
        change(row, {"started_at": new[0], "ended_at": new[1]})
        superseding.replace(touched, _spans(condition, recut), correction)
        stopped_since(condition)
        return Changed(
            downtimes=[row],
            rows=[shown(row.pk, before, after), *span_rows(touched, recut)],
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.DOWNTIME,
        subject_id=row.pk,
        what=CorrectionKind.ENDS,
        before=before,
        after=after,
        affected_from=affected[0],
        affected_to=affected[1],
        make=make,
    )


def _both(
    old: tuple[datetime, datetime | None], new: tuple[datetime, datetime | None]
) -> list[tuple[datetime, datetime]]:
    pairs = [(old[0], new[0])]
    if old[1] is not None and new[1] is not None:
        pairs.append((old[1], new[1]))
    return pairs


def _demand_room(
    condition: Condition, row: Downtime, start: datetime, end: datetime | None
) -> None:
    others = (
        Downtime.objects.filter(equipment=condition.equipment_id, merged_into=None)
        .exclude(pk=row.pk)
        .filter(Q(ended_at__gt=start) | Q(ended_at=None))
    )
    if end is not None:
        others = others.filter(started_at__lt=end)
    if (other := others.first()) is not None:
        raise refuse("overlap", "Another downtime lies there; merge them instead.", other)


def _recut(
    touched: Sequence[Span],
    row: Downtime,
    old: tuple[datetime, datetime | None],
    new: tuple[datetime, datetime | None],
    *,
    over_no_data: bool,
) -> list[Stretch[Told]]:
    """Return the states of the touched spans as they will be, or raise ActionRefused."""
    parts = [
        Stretch(Told(span.state, span.reason), span.started_at, span.ended_at)
        for span in touched
        if span.ended_at is not None
    ]
    for begins, (was, becomes) in zip((True, False), _both(old, new), strict=False):
        low, high = min(was, becomes), max(was, becomes)
        if low == high:
            continue
        if recutting.has_no_data(parts, low, high) and not over_no_data:
            raise refuse(
                "no_data",
                "Nobody measured some of that time; say explicitly that it is to be changed.",
                row,
            )
        is_given = (becomes < was) == begins
        if is_given:
            told = _stood(row, "started_at" if begins else "-started_at")
            parts = recutting.give(parts, low, high, told, over_no_data=over_no_data)
        else:
            parts = recutting.take(parts, low, high, over_no_data=over_no_data)
    _demand_standing(parts, row, old, new)
    return parts


def _demand_standing(
    parts: Sequence[Stretch[Told]],
    row: Downtime,
    old: tuple[datetime, datetime | None],
    new: tuple[datetime, datetime | None],
) -> None:
    """Refuse ends at which the stop would neither begin nor end: nothing is known there."""
    begins = new[0] == old[0] or recutting.stands_from(parts, new[0]) is not None
    ends = (
        new[1] == old[1] or new[1] is None or recutting.stood_until(parts, new[1]) is not None
    )
    if not (begins and ends):
        raise refuse("no_data", "Nobody knows that it stood at that end of the stop.", row)


def _stood(row: Downtime, order: str) -> Told:
    """Return how the equipment stood first, or last, in the downtime."""
    until = Q(started_at__lt=row.ended_at) if row.ended_at is not None else Q()
    span = (
        Span.objects.filter(until, Q(ended_at__gt=row.started_at) | Q(ended_at=None))
        .filter(equipment=row.equipment_id)
        .exclude(state__in=[State.RUNNING, State.NO_DATA])
        .order_by(order)
        .first()
    )
    if span is None:
        raise refuse("no_stop", "No state in which it stood is known there.", row)
    return Told(span.state, span.reason)


def _spans(condition: Condition, parts: Sequence[Stretch[Told]]) -> list[Span]:
    return [
        Span(
            equipment=condition.equipment,
            state=part.what.state,
            reason=part.what.reason,
            started_at=part.started_at,
            ended_at=part.ended_at,
        )
        for part in parts
    ]


def _whole_stops(
    condition: Condition, start: datetime, end: datetime
) -> tuple[datetime, datetime]:
    """Return the window widened to whole stops: a stop's class follows from its whole length."""
    spans = Span.objects.filter(equipment=condition.equipment_id)
    ran = spans.filter(state=State.RUNNING)
    before = ran.filter(started_at__lt=start).order_by("-started_at").first()
    stood = spans.exclude(state__in=[State.RUNNING, State.NO_DATA])
    if before is not None and before.ended_at is not None:
        stood = stood.filter(started_at__gte=before.ended_at)
    begins = stood.order_by("started_at").values_list("started_at", flat=True).first()
    after = ran.filter(ended_at__gt=end).order_by("started_at").first()
    stood = spans.exclude(state__in=[State.RUNNING, State.NO_DATA])
    if after is not None:
        stood = stood.filter(started_at__lt=after.started_at)
    ends = (
        stood.filter(ended_at__isnull=False)
        .order_by("-started_at")
        .values_list("ended_at", flat=True)
        .first()
    )
    return min(start, begins or start), max(end, ends or end)
