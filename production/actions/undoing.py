"""A correction taken back: a correction of its own, whose own undoing is doing it again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from ms5.accounts.models import User
from production import halves
from production.actions import correcting_plans, superseding
from production.actions.downtime_rows import (
    ENDS,
    REASON,
    SAID,
    change,
    over_at,
    shown,
    span_rows,
    stopped_since,
    times_of,
)
from production.actions.drafts import Changed, Draft, Row, moment
from production.choices import CorrectionKind, CorrectionSubject
from production.models import Condition, Correction, Count, Downtime, Span
from production.recutting import Told
from production.refusals import ActionRefused
from production.timeline import Stretch


def draft(undone: Correction, condition: Condition, actor: User, at: datetime) -> Draft:
    """Return what is to be done, or raise ActionRefused with the correction that stands against it."""
    if (again := Correction.objects.filter(undoes=undone).first()) is not None:
        raise ActionRefused("undone", "It was taken back already.", again)
    root = root_of(undone)
    if (later := _later(undone)) is not None:
        raise ActionRefused(
            "later", f"Correction {later.pk} came after it: undo that one first.", later
        )
    result = Draft(
        condition=condition,
        subject=CorrectionSubject(undone.subject),
        subject_id=undone.subject_id,
        what=CorrectionKind.UNDO,
        before=dict(undone.after),
        after=dict(undone.before),
        affected_from=undone.affected_from,
        affected_to=undone.affected_to,
        make=lambda correction: _make(root, undone, result, correction, actor, at),
        undoes=undone,
    )
    return result


def root_of(correction: Correction) -> Correction:
    """Return the correction that a chain of undoings began with."""
    while correction.undoes is not None:
        correction = correction.undoes
    return correction


def _later(undone: Correction) -> Correction | None:
    """Return the newest later correction of the same rows or time that has not been taken back.

    A correction and its undoing that are both later are as nothing; an undoing whose correction is older
    has changed what this one found.
    """
    root = root_of(undone)
    overlaps = Q(affected_from__lt=undone.affected_to, affected_to__gt=undone.affected_from)
    same = Q(subject=root.subject, subject_id=root.subject_id)
    rows = (
        Correction.objects.filter(equipment=undone.equipment_id, pk__gt=undone.pk)
        .filter(overlaps | same)
        .order_by("pk")
    )
    by_root: dict[int, list[Correction]] = {}
    for row in rows:
        by_root.setdefault(root_of(row).pk, []).append(row)
    standing = [rows[-1] for rows in by_root.values() if len(rows) % 2]
    return max(standing, key=lambda row: row.pk, default=None)


def _make(  # noqa: PLR0917 - what a chain of undoings needs
    root: Correction,
    undone: Correction,
    result: Draft,
    correction: Correction,
    actor: User,
    at: datetime,
) -> Changed:
    try:
        match CorrectionSubject(root.subject):
            case CorrectionSubject.COUNT:
                return _counts(undone, correction)
            case CorrectionSubject.SPAN:
                return _planned(root, result, correction, actor)
            case CorrectionSubject.DOWNTIME:
                return _downtimes(root, undone, result, correction, at)
    except superseding.Gone as gone:
        raise ActionRefused("later", f"It was corrected again: {gone}.", undone) from gone
    except superseding.DefectGiven as given:
        raise ActionRefused(
            "defects",
            "Its rejects have been given a defect since, which would be lost: correct the count anew instead.",
            undone,
        ) from given


def _counts(undone: Correction, correction: Correction) -> Changed:
    old, new = superseding.taken_back(Count, undone)
    superseding.replace_counts(old, new, correction)
    subject = CorrectionSubject.COUNT.value
    return Changed(
        jobs={row.job_id for row in [*old, *new] if row.job_id is not None},
        rows=[
            *(
                Row(subject=subject, id=r.pk, before={"quantity": r.quantity}, after={})
                for r in old
            ),
            *(
                Row(subject=subject, id=r.pk, before={}, after={"quantity": r.quantity})
                for r in new
            ),
        ],
    )


def _planned(root: Correction, result: Draft, correction: Correction, actor: User) -> Changed:
    said = correcting_plans.in_force(result.condition, correction)
    window = correcting_plans.Window.of(root)
    rows = correcting_plans.say(result.condition, window, said, actor)
    result.after["first_change"], result.after["last_change"] = rows[0].pk, rows[-1].pk
    shown_row = Row(
        subject=root.subject, id=root.subject_id, before=result.before, after=result.after
    )
    return Changed(rows=[shown_row])


def _downtimes(
    root: Correction, undone: Correction, result: Draft, correction: Correction, at: datetime
) -> Changed:
    """Give the downtimes the values they had, and the spans that were."""
    other = root.after.get("other_id") or root.before.get("other_id")
    numbers = sorted({root.subject_id, *([other] if other else [])})
    live = {
        row.pk: row
        for row in Downtime.objects.select_for_update(of=("self",)).filter(pk__in=numbers)
    }
    past = superseding.kept(undone)
    rows = [live[pk] for pk in numbers]
    if root.what == CorrectionKind.REASON:
        _demand_untouched(undone, rows[0])
        superseding.keep(rows[0], correction)
        change(rows[0], {name: getattr(past[0], name) for name in REASON})
        return Changed(downtimes=rows, rows=[shown(rows[0].pk, result.before, result.after)])
    _demand_ends(undone, live[root.subject_id])
    wanted = _wanted_ends(root, rows, past)
    if root.what != CorrectionKind.ENDS:
        _restore_said(root, undone, rows, past, wanted)
    for row in rows:
        superseding.keep(row, correction)
    for row in sorted(rows, key=lambda row: _growth(row, wanted[row.pk], at)):
        change(row, wanted[row.pk])
    old, new = superseding.taken_back(Span, undone)
    superseding.replace(old, new, correction)
    stopped_since(result.condition)
    parts = [
        Stretch(Told(span.state, span.reason), span.started_at, span.ended_at)
        for span in new
        if span.ended_at is not None
    ]
    return Changed(
        downtimes=rows,
        rows=[
            shown(root.subject_id, result.before, result.after),
            *span_rows(old, parts),
        ],
    )


def _wanted_ends(
    root: Correction, rows: list[Downtime], past: list[Downtime]
) -> dict[int, dict[str, Any]]:
    """Return the ends to restore; one that lasted when it was kept may have ended since."""
    lasting = [row for row in rows if row.merged_into_id is None]
    ended_at = None
    if all(row.ended_at is not None for row in lasting):
        ended_at = max(row.ended_at for row in lasting if row.ended_at is not None)
    wanted = {}
    for row, was in zip(rows, past, strict=False):
        wanted[row.pk] = {name: getattr(was, name) for name in ENDS}
        if was.ended_at is None:
            wanted[row.pk]["ended_at"] = ended_at
    # The downtime that a split made has no past: its time goes back to the one it came from.
    for row in rows[len(past) :]:
        wanted[row.pk] = {
            "started_at": row.started_at,
            "ended_at": row.started_at,
            "merged_into_id": root.subject_id,
        }
    return wanted


def _restore_said(
    root: Correction,
    undone: Correction,
    rows: list[Downtime],
    past: list[Downtime],
    wanted: Mapping[int, dict[str, Any]],
) -> None:
    """Give two that were cut or made one what was said of them, and keep what was said since."""
    first, second = sorted(rows, key=lambda row: row.pk != root.subject_id)
    was = {row.pk: kept for row, kept in zip(rows, past, strict=False)}
    if wanted[second.pk]["merged_into_id"] is not None:
        wanted[first.pk] |= halves.joined(times_of(first), times_of(second))
    else:
        found = halves.parted_again(
            times_of(first),
            (times_of(was[first.pk]), times_of(was[second.pk])),
            wanted[second.pk]["started_at"],
        )
        for row, times in zip((first, second), found, strict=True):
            wanted[row.pk] |= times
    if _is_as_left(undone, first):
        for pk, kept in was.items():
            wanted[pk] |= {name: getattr(kept, name) for name in SAID}


def _is_as_left(undone: Correction, row: Downtime) -> bool:
    """Whether nobody has given another reason, or confirmed it, since the correction left it."""
    left = undone.after
    if "confirmed_at" not in left or moment(row.confirmed_at) != left["confirmed_at"]:
        return False
    return "reason" not in left or left["reason"] == (row.reason.code if row.reason else None)


def _growth(row: Downtime, ends: Mapping[str, Any], at: datetime) -> float:
    """Return by how much it grows: what shrinks goes first, since the database refuses an overlap."""
    if (row.ended_at is None) != (ends["ended_at"] is None):
        return float("inf") if ends["ended_at"] is None else float("-inf")
    new: timedelta = (ends["ended_at"] or over_at(row, at)) - ends["started_at"]
    return (new - (over_at(row, at) - row.started_at)).total_seconds()


def _demand_untouched(undone: Correction, row: Downtime) -> None:
    present = row.reason.code if row.reason else None
    if present != undone.after.get("reason"):
        raise ActionRefused("changed", "It was given another reason meanwhile.", row)


def _demand_ends(undone: Correction, row: Downtime) -> None:
    """Refuse where an action that is no correction has moved the ends since."""
    for name, present in (("started_at", row.started_at), ("ended_at", row.ended_at)):
        said = undone.after.get(name)
        if said is not None and _moment(said) != present:
            raise ActionRefused("changed", "It was split or merged meanwhile.", row)


def _moment(text: Any) -> datetime:
    at = parse_datetime(str(text))
    if at is None:
        raise ValueError(f"not a time: {text!r}")
    return at
