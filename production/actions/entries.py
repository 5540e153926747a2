"""Pieces that people count: entered with their defects, and the defects of rejects that a counter counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import belonging, working
from production.actions.counts import attach_ideal_cycles, tally
from production.actions.lines import locked
from production.calendars import calendar_of
from production.choices import CountKind
from production.models import Count, Defect, Equipment, Job, Line
from production.refusals import ActionRefused, NotAllowed
from production.shifts import shift_at

BETWEEN_SHIFTS = timedelta(hours=1)
"""How far back an operator may count where no shift has begun."""
_TOLD_APART = {CountKind.GOOD, CountKind.TOTAL}


@dataclass(frozen=True, slots=True)
class Entry:
    """What was written, and the job whose progress it moved."""

    equipment: Equipment
    at: datetime
    counts: list[Count] = field(default_factory=list)
    job: Job | None = None


@retried
def enter(
    equipment: Equipment,
    *,
    good: int = 0,
    rejects: Mapping[Defect | None, int],
    actor: User,
    at: datetime,
    now: datetime,
    note: str = "",
) -> Entry:
    """Count pieces made until `at` that no counter counted; rejects by their defect, None is not known.

    They are of the product, the job, the counters and the ideal cycle of that time, and measured if the state
    was known.
    Good pieces and rejects entered together are all new: good rises by the one, rejects by the other, and the
    total by both. Rejects entered alone, where a counter counts every piece as `total`, are of the pieces that
    it has counted: good falls by them. Elsewhere they are pieces beside the good ones.
    Not idempotent by itself.

    Raises ActionRefused for nothing to enter, the future, a defect no longer used, or rejects alone that
    counters tell already; NotAllowed for a time before the present shift without the right to correct.
    """
    quantities = {defect: quantity for defect, quantity in rejects.items() if quantity}
    if min([good, *quantities.values()]) < 0 or not (good or quantities):
        raise ActionRefused("nothing", "Enter a number of pieces above zero.")
    _demand_used(quantities)
    _demand_time(actor, equipment.line, at, now)
    with recording():
        condition = locked([equipment.pk])[equipment.pk]
        counters = belonging.counters(condition, at)
        kinds = set(counters.split())
        if quantities and not good and kinds == _TOLD_APART:
            raise ActionRefused(
                "rejects_are_counted",
                f"The rejects of {equipment.name} are what its counters of good pieces and of all"
                " pieces differ by: correct the counts, or enter them with the good pieces that were"
                " made beside them.",
            )
        job_id = belonging.job_id(condition, at)
        counts = [
            Count(
                equipment=equipment,
                kind=kind,
                quantity=quantity,
                at=at,
                product_id=belonging.product_id(condition, at),
                job_id=job_id,
                defect=defect,
                by=actor,
                measured=belonging.is_known(condition, at),
                counters=counters,
            )
            for kind, defect, quantity in _increments(kinds, good, quantities)
        ]
        attach_ideal_cycles(counts)
        Count.objects.bulk_create(counts)
        tally(counts)
        moved = working.recount([job_id], now) if job_id is not None else []
        audit.record(
            actor,
            "count.enter",
            equipment,
            after={
                "good": good,
                "rejects": {_code(defect): n for defect, n in quantities.items()},
                "at": at,
                "note": note,
                "counts": [count.pk for count in counts],
            },
            line_id=equipment.line.code,
        )
    return Entry(equipment, at, counts, moved[0] if moved else None)


@retried
def give_defects(
    equipment: Equipment,
    *,
    defect: Defect,
    quantity: int,
    actor: User,
    at: datetime,
    now: datetime,
    instead_of: Defect | None = None,
) -> Entry:
    """Say why so many rejects of the shift until `at` were rejected, the newest of which nobody has said so.

    `instead_of` takes those that were said to have another defect. No piece is added, moved or taken away, so
    this is no correction: nothing is superseded, and no figure changes. An increment of more rejects than were
    named is parted: its row keeps the others, and a row beside it, of the same reading and otherwise the same,
    has the defect. The rows of one reading add up to what its counter showed, `by` stays whoever counted, and
    the audit tells who said it. A correction whose rows were given a defect is not taken back any more, lest
    what was said be lost: the count is corrected anew. Not idempotent by itself.

    Raises ActionRefused when there are not so many, for the future, and for a defect no longer used; NotAllowed
    for a time before the present shift without the right to correct.
    """
    if quantity < 1:
        raise ActionRefused("nothing", "Enter a number of pieces above zero.")
    if defect == instead_of:
        raise ActionRefused("nothing", "That is the defect they have.")
    _demand_used([defect])
    _demand_time(actor, equipment.line, at, now)
    with recording():
        locked([equipment.pk])
        rows = (
            Count.objects.within(_since(equipment.line, at), at)
            .filter(equipment=equipment, kind=CountKind.REJECT, defect=instead_of)
            .filter(quantity__gt=0)
            .order_by("-at", "-pk")
        )
        said = _given(rows, defect, quantity)
        audit.record(
            actor,
            "count.defect",
            equipment,
            before={"defect": _code(instead_of)},
            after={
                "defect": defect.code,
                "quantity": quantity,
                "counts": [count.pk for count in said],
            },
            line_id=equipment.line.code,
        )
    return Entry(equipment, at, said)


def _given(rows: Iterable[Count], defect: Defect, quantity: int) -> list[Count]:
    """Return the rows that now have the defect; they hold so many pieces."""
    left, said = quantity, []
    for row in rows:
        if row.quantity > left:
            row.quantity -= left
            row.save(update_fields=["quantity"])
            row.pk, row.quantity, row.defect = None, left, defect
            row._state.adding = True  # noqa: SLF001 - Django's documented way to copy a row
            row.save()
        else:
            row.defect = defect
            row.save(update_fields=["defect"])
        said.append(row)
        left -= row.quantity
        if not left:
            return said
    raise ActionRefused("too_many", f"Only {quantity - left} such rejects were counted.")


def _demand_used(defects: Iterable[Defect | None]) -> None:
    for defect in defects:
        if defect is not None and not defect.is_active:
            raise ActionRefused("not_used", f"{defect.name} is no longer used.")


def _demand_time(actor: User, line: Line, at: datetime, now: datetime) -> None:
    """What is older than the present shift is put right by those who correct."""
    if at > now:
        raise ActionRefused("in_future", "That time has not come yet.")
    if at <= _since(line, now) and not actor.has_perm("production.add_correction"):
        raise NotAllowed("Pieces of an earlier shift are for a supervisor to enter.")


def _since(line: Line, at: datetime) -> datetime:
    """Return since when pieces counted at `at` are of the same shift: they were made before it."""
    shift = shift_at(calendar_of(line), at - timedelta(microseconds=1))
    return shift.started_at if shift else at - BETWEEN_SHIFTS


def _increments(
    kinds: set[str], good: int, rejects: Mapping[Defect | None, int]
) -> list[tuple[CountKind, Defect | None, int]]:
    """Return what is written for an entry, beside the counters that the equipment has.

    Where counters of good pieces and of all pieces tell the rejects by their difference, a row of rejects would
    take that difference's place: they are rows of the total there, which have the defect.
    """
    if CountKind.TOTAL not in kinds:
        made: list[tuple[CountKind, Defect | None, int]] = [(CountKind.GOOD, None, good)]
    elif kinds == _TOLD_APART:
        made = [(CountKind.TOTAL, None, good), (CountKind.GOOD, None, good)]
    else:
        made = [(CountKind.TOTAL, None, good + sum(rejects.values()))]
        if CountKind.GOOD in kinds:
            made.append((CountKind.GOOD, None, good))
    kind = CountKind.TOTAL if kinds == _TOLD_APART else CountKind.REJECT
    return [
        *(each for each in made if good),
        *((kind, defect, quantity) for defect, quantity in rejects.items()),
    ]


def _code(defect: Defect | None) -> str:
    return defect.code if defect else ""
