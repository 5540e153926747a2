"""One downtime made two, and neighbours made one; the states and the sum of their time stay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ms5.accounts.models import User
from production import halves, standing
from production.actions import superseding
from production.actions.downtime_rows import SAID, change, over_at, present, shown, times_of
from production.actions.drafts import Changed, Draft, Fields, moment, refuse
from production.choices import CorrectionKind, CorrectionSubject, State
from production.models import Condition, Correction, Downtime, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Make two downtimes of one."""

    downtime_id: int
    at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Give the time of one downtime to its neighbour before or after."""

    downtime_id: int
    other_id: int
    version: int | None = None


def draft_split(
    what: Split, condition: Condition, row: Downtime, actor: User, at: datetime
) -> Draft:
    """Return what is to be done; one that lasts is split within the time for which it is known to stand.

    Who came and who mended it go with the half in which they did.
    """
    if not row.started_at < what.at < over_at(row, at):
        raise refuse("outside", "The moment of the split must lie within the downtime.", row)
    if row.ended_at is None and what.at >= _known_until(condition, row):
        raise refuse(
            "lasts",
            "It still lasts, and is not known to have stood until then: choose a moment before the last"
            " reading.",
            row,
        )
    first, of_second = halves.parted(times_of(row), what.at)
    changes = {"ended_at": what.at, **first, **_stands_by(row, actor, at)}
    before: Fields = {"ended_at": moment(row.ended_at), "other_id": None, **_words(row)}
    after: Fields = {"ended_at": moment(what.at), "other_id": None, **_words(row, changes)}

    def make(correction: Correction) -> Changed:
        superseding.keep(row, correction)
        ended_at = row.ended_at
        change(row, changes)
        second = _like(row)
        second.started_at, second.ended_at = what.at, ended_at
        for name in halves.TIMES:
            setattr(second, name, of_second[name])
        second.made_by, second.version = correction, 1
        second.save()
        after["other_id"] = second.pk
        whole: Fields = {"started_at": moment(what.at), "ended_at": moment(ended_at)}
        return Changed(
            downtimes=[row, second],
            rows=[shown(row.pk, before, after), shown(second.pk, {}, whole)],
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.DOWNTIME,
        subject_id=row.pk,
        what=CorrectionKind.SPLIT,
        before=before,
        after=after,
        affected_from=row.started_at,
        affected_to=over_at(row, at),
        make=make,
    )


def _known_until(condition: Condition, row: Downtime) -> datetime:
    stop = standing.present_stops([condition]).get(condition.pk)
    return stop.ended_at if stop is not None else row.started_at


def _like(row: Downtime) -> Downtime:
    """Return an unsaved downtime with the same reason, fault, job and product."""
    return Downtime(
        equipment=row.equipment,
        reason_id=row.reason_id,
        suggested_id=row.suggested_id,
        category=row.category,
        fault_id=row.fault_id,
        job_id=row.job_id,
        product_id=row.product_id,
        reported_by_id=row.reported_by_id,
        confirmed_by_id=row.confirmed_by_id,
        confirmed_at=row.confirmed_at,
        note=row.note,
    )


def draft_merged(
    what: Merged, condition: Condition, row: Downtime, actor: User, at: datetime
) -> Draft:
    """Return what is to be done; the later of the two may last, and then both do as one.

    The earlier keeps its reason, failing one takes the other's.
    """
    if what.other_id == row.pk:
        raise refuse("same", "A downtime cannot be merged with itself.", row)
    first, second = sorted(
        (row, present(condition, what.other_id)), key=lambda each: each.started_at
    )
    if not _are_neighbours(first, second):
        raise refuse("not_neighbours", "It ran between them, or another lies there.", row)
    named = first if first.reason_id or not second.reason_id else second
    changes = {
        "ended_at": second.ended_at,
        **{name: getattr(named, name) for name in SAID},
        **halves.joined(times_of(first), times_of(second)),
        **_stands_by(named, actor, at),
    }
    reason = {"reason": first.reason.code if first.reason else None}
    became = {"reason": named.reason.code if named.reason else None}
    before: Fields = {
        "ended_at": moment(first.ended_at),
        "other_id": second.pk,
        **reason,
        **_words(first),
    }
    after: Fields = {
        "ended_at": moment(second.ended_at),
        "other_id": second.pk,
        **became,
        **_words(first, changes),
    }
    whole: Fields = {"ended_at": moment(second.ended_at), "merged_into": None}
    empty: Fields = {"ended_at": moment(second.started_at), "merged_into": first.pk}

    def make(correction: Correction) -> Changed:
        for each in sorted((first, second), key=lambda each: each.pk):
            superseding.keep(each, correction)
        change(second, {"ended_at": second.started_at, "merged_into_id": first.pk})
        change(first, changes)
        return Changed(
            downtimes=[second, first],
            rows=[shown(first.pk, before, after), shown(second.pk, whole, empty)],
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.DOWNTIME,
        subject_id=first.pk,
        what=CorrectionKind.MERGE,
        before=before,
        after=after,
        affected_from=first.started_at,
        affected_to=over_at(second, at),
        make=make,
    )


def _stands_by(row: Downtime, actor: User, at: datetime) -> dict[str, Any]:
    """Return who confirms what comes of a row: whoever corrects a confirmed one stands by it."""
    is_confirmed = row.confirmed_at is not None
    return {
        "confirmed_by_id": actor.pk if is_confirmed else None,
        "confirmed_at": at if is_confirmed else None,
    }


def _words(row: Downtime, changes: dict[str, Any] | None = None) -> Fields:
    """Return what is told of the confirmation and of who came, as it is or as the changes make it."""
    names = ("confirmed_at", *halves.TIMES)
    found = {name: getattr(row, name) for name in names} | (changes or {})
    return {name: moment(found[name]) for name in names}


def neighbours(row: Downtime) -> list[Downtime]:
    """Return the downtimes with which it may be merged, at most one before it and one after."""
    own = Downtime.objects.filter(equipment=row.equipment_id, merged_into=None)
    before = own.filter(started_at__lt=row.started_at).order_by("-started_at").first()
    after = own.filter(started_at__gt=row.started_at).order_by("started_at").first()
    pairs = [(before, row, before), (row, after, after)]
    return [
        other
        for first, second, other in pairs
        if first is not None
        and second is not None
        and other is not None
        and _are_neighbours(first, second)
    ]


def _are_neighbours(first: Downtime, second: Downtime) -> bool:
    """Whether it did not run between them, and no other downtime lies there."""
    ran = Span.objects.filter(
        equipment=first.equipment_id,
        state=State.RUNNING,
        started_at__lt=second.started_at,
        ended_at__gt=first.ended_at,
    )
    between = Downtime.objects.filter(
        equipment=first.equipment_id,
        merged_into=None,
        started_at__gt=first.started_at,
        started_at__lt=second.started_at,
    )
    return not (ran.exists() or between.exists())
