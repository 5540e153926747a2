"""Corrections of counts: an increment of another quantity, and pieces added to or taken from a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ms5.accounts.models import User
from production.actions import belonging, superseding
from production.actions.counts import attach_ideal_cycles
from production.actions.drafts import Changed, Draft, Fields, Row, moment, refuse
from production.choices import CorrectionKind, CorrectionSubject, CountKind
from production.models import Condition, Correction, Count

MICROSECOND = timedelta(microseconds=1)
REACH = timedelta(hours=1)
"""How far back from a moment pieces are taken."""
MOST = 1_000_000_000
"""More pieces than any increment has; a slip of the finger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantified:
    """Give an increment another quantity."""

    count_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """Add pieces that were made until a moment, or take some from the hour before it (below zero)."""

    kind: str
    pieces: int
    at: datetime


def draft(
    what: Requantified | Adjusted, condition: Condition, actor: User, at: datetime
) -> Draft:
    """Return what is to be done, or raise ActionRefused. The condition is locked."""
    match what:
        case Requantified():
            return _requantified(what, condition)
        case Adjusted():
            if not 0 < abs(what.pieces) <= MOST:
                raise refuse("nothing", "Say how many pieces, at most a thousand million.")
            if what.at > at:
                raise refuse("future", "That moment has not come yet.")
            return (_added if what.pieces > 0 else _taken)(what, condition, actor)


def _requantified(what: Requantified, condition: Condition) -> Draft:
    row: Count | None = Count.objects.filter(
        pk=what.count_id, equipment=condition.equipment_id
    ).first()
    if row is None:
        raise refuse("gone", "There is no such count of this equipment, or it was corrected.")
    if not 0 <= what.quantity <= MOST:
        raise refuse("nothing", "A quantity lies between zero and a thousand million.")
    if what.quantity == row.quantity:
        raise refuse("unchanged", "It has that quantity already.")
    return _replacing(condition, [row], [what.quantity], {"quantity": what.quantity})


def _taken(what: Adjusted, condition: Condition, actor: User) -> Draft:
    """Take pieces from the increments of the hour before the moment, the newest first."""
    rows = Count.objects.within(what.at - REACH, what.at).filter(
        equipment=condition.equipment_id, kind=what.kind, quantity__gt=0
    )
    left, old, quantities = -what.pieces, [], []
    for row in rows.order_by("-at", "-pk"):
        some = min(left, row.quantity)
        old.append(row)
        quantities.append(row.quantity - some)
        left -= some
        if not left:
            after: Fields = {"pieces": what.pieces, "kind": what.kind, "at": moment(what.at)}
            return _replacing(condition, old, quantities, after)
    raise refuse("too_many", f"Only {-what.pieces - left} such pieces lie in the hour before.")


def _replacing(
    condition: Condition, old: Sequence[Count], quantities: Sequence[int], after: Fields
) -> Draft:
    first = min(old, key=lambda row: row.at)
    before: Fields = {
        "pieces": None,
        "kind": first.kind,
        "at": moment(max(row.at for row in old)),
    }
    if "quantity" in after:
        before = {"quantity": old[0].quantity}
    ordered = sorted(zip(old, quantities, strict=True), key=lambda pair: pair[0].pk)

    def make(correction: Correction) -> Changed:
        new = []
        for row, quantity in ordered:
            copy = superseding.like(row)
            copy.quantity = quantity
            new.append(copy)
        superseding.replace_counts([row for row, _ in ordered], new, correction)
        return Changed(
            jobs={row.job_id for row in old if row.job_id is not None},
            rows=[
                _shown(row.pk, {"quantity": row.quantity}, {"quantity": quantity})
                for row, quantity in ordered
            ],
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.COUNT,
        subject_id=first.pk,
        what=CorrectionKind.COUNT,
        before=before,
        after=after,
        affected_from=min(
            min(row.after or row.at - MICROSECOND, row.at - MICROSECOND) for row in old
        ),
        affected_to=max(row.at for row in old),
        make=make,
    )


def _added(what: Adjusted, condition: Condition, actor: User) -> Draft:
    """Add an increment of the product, the job, the counters and the ideal cycle of that time."""
    if what.kind not in CountKind.values:
        raise refuse("kind", "Pieces are good, reject or total.")
    job_id = belonging.job_id(condition, what.at)
    row = Count(
        equipment=condition.equipment,
        kind=what.kind,
        quantity=what.pieces,
        after=what.at - MICROSECOND,
        at=what.at,
        product_id=belonging.product_id(condition, what.at),
        job_id=job_id,
        by=actor,
        measured=belonging.is_known(condition, what.at),
        counters=belonging.counters(condition, what.at),
    )
    before: Fields = {"pieces": None, "kind": what.kind, "at": None}
    after: Fields = {"pieces": what.pieces, "kind": what.kind, "at": moment(what.at)}

    def make(correction: Correction) -> Changed:
        attach_ideal_cycles([row])
        superseding.replace_counts([], [row], correction)
        correction.subject_id = row.pk
        return Changed(
            jobs={job_id} if job_id is not None else set(),
            rows=[_shown(None, {}, {"kind": what.kind, "quantity": what.pieces})],
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.COUNT,
        subject_id=0,
        what=CorrectionKind.COUNT,
        before=before,
        after=after,
        affected_from=what.at - MICROSECOND,
        affected_to=what.at,
        make=make,
    )


def _shown(pk: int | None, before: Fields, after: Fields) -> Row:
    return Row(subject=CorrectionSubject.COUNT.value, id=pk, before=before, after=after)
