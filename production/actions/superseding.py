"""Rows that hold are superseded by others, and those by copies of the first: nothing is overwritten.

The caller holds the lock on the equipment's condition. A row that a correction took is known by
`superseded_by`, one that it gave by `made_by`. When it is taken back, copies of what it took are given, in
the order of their keys, so that what stands for a row today can be found through any number of undoings.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

from ms5.database import chunks
from production.actions.counts import quarter, tally
from production.models import Correction, Count, Downtime, Span, Tally
from production.models.corrections import Superseded

Row = TypeVar("Row", Span, Count)
_OWN = frozenset({"id", "superseded_by_id", "made_by_id"})


class Gone(Exception):
    """Another correction, not taken back, has replaced the row meanwhile."""


class DefectGiven(Exception):
    """Somebody has said since why rejects that the correction gave were rejected; it would be lost."""


def replace(old: Iterable[Row], new: Sequence[Row], correction: Correction) -> None:
    """Let the new rows hold in place of the old ones."""
    gone = list(old)
    if not (gone or new):
        return
    model = type((gone or list(new))[0])
    for some in chunks(gone):
        model.every.filter(pk__in=[row.pk for row in some]).update(superseded_by=correction)
    for row in new:
        row.made_by = correction
    for few in chunks(new):
        model.every.bulk_create(few)


def replace_counts(old: Sequence[Count], new: Sequence[Count], correction: Correction) -> None:
    """Do so with counts, and with the tallies that they are added up in."""
    replace(old, new, correction)
    tally(old, sign=-1)
    tally(new)
    forget_empty_tallies([*old, *new])


def taken_back(model: type[Row], undone: Correction) -> tuple[list[Row], list[Row]]:
    """Return what stands for the rows that `undone` gave, and copies of those that it took, to replace them.

    Raises Gone when another correction has replaced what it gave, and DefectGiven.
    """
    given = given_by(model, undone)
    taken = model.every.filter(superseded_by=undone).order_by("pk")
    return [present_of(row) for row in given], [like(row) for row in taken]


def given_by(model: type[Row], correction: Correction) -> list[Row]:
    """Return the rows that a correction gave, in their order, or raise DefectGiven.

    Rows of counts are given in the order of those that they took the place of, or are copies of, each with its
    defect. One that has another now, or was parted to give it, does not stand for its row any more.
    """
    if model is Count:
        source = correction.undoes or correction
        were = _defects(Count.every.filter(superseded_by=source))
        now = _defects(Count.every.filter(made_by=correction))
        # Pieces that were added took no row's place, and had no defect.
        if now != were and not (now == [None] and not were):
            raise DefectGiven(str(correction))
    return list(model.every.filter(made_by=correction).order_by("pk"))


def _defects(rows: QuerySet[Count]) -> list[int | None]:
    return [row.defect_id for row in rows.order_by("pk")]


def present_of(row: Row) -> Row:
    """Return the row that stands for this one now, or raise Gone or DefectGiven."""
    model = type(row)
    while (by := row.superseded_by) is not None:
        undoing = Correction.objects.filter(undoes=by).first()
        if undoing is None:
            raise Gone(str(by))
        taken = list(
            model.every.filter(superseded_by=by).order_by("pk").values_list("pk", flat=True)
        )
        copies = given_by(model, undoing)
        row = copies[taken.index(row.pk)]
    return row


def like(row: Row) -> Row:
    """Return an unsaved copy that holds."""
    return type(row)(**_values(row))


def keep(row: Downtime, correction: Correction) -> Downtime:
    """Store a downtime as it was, superseded; the live row keeps its number and may be changed."""
    return Downtime.every.create(**_values(row), superseded_by=correction)


def kept(correction: Correction) -> list[Downtime]:
    """Return the downtimes as they were before the correction, in the order in which they were kept."""
    return list(Downtime.every.filter(superseded_by=correction).order_by("pk"))


def forget_empty_tallies(counts: Iterable[Count]) -> None:
    """Remove tallies that came to nothing: a zero would still name its product and ideal cycle."""
    for equipment, started_at in {(each.equipment_id, quarter(each.at)) for each in counts}:
        Tally.objects.filter(equipment=equipment, started_at=started_at, quantity=0).delete()


def _values(row: Superseded) -> dict[str, Any]:
    fields = row._meta.concrete_fields  # noqa: SLF001 - Django's documented API
    return {
        field.attname: getattr(row, field.attname)
        for field in fields
        if field.attname not in _OWN
    }
