"""Shifts and exceptions are kept and dropped; what was settled by the old calendar is taken back."""

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db.models import Min, QuerySet

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.layers import FIRST
from production.models import Break, CalendarException, Equipment, Line, Shift, Site, Span
from production.refusals import NotAllowed
from production.settling import unsettle
from production.shifts import moment


@retried
def keep_shift(shift: Shift, breaks: Sequence[Break], *, actor: User) -> Shift:
    """Write a new or a changed shift with all its breaks and return it; other breaks of it go.

    Raises ValidationError for a shift or breaks that cannot be, NotAllowed for a line or a site of which the
    actor does not see every line.
    """
    with recording():
        before = Shift.objects.select_for_update(of=("self",)).filter(pk=shift.pk).first()
        _demand_reach(actor, *(each for each in (before, shift) if each))
        shift.full_clean()
        for each in breaks:
            each.clean_fields(exclude=["shift"])
        shift.clean_breaks(breaks)
        old = _written(before) if before else None
        if before:
            recalculate(before)
        shift.save()
        shift.breaks.all().delete()
        Break.objects.bulk_create(
            Break(shift=shift, name=each.name, starts=each.starts, ends=each.ends)
            for each in breaks
        )
        recalculate(shift)
        _audit(actor, shift, old, _written(shift))
    return shift


@retried
def keep_exception(row: CalendarException, *, actor: User) -> CalendarException:
    """Write a new or a changed exception and return it. Raises as `keep_shift` does."""
    with recording():
        before = (
            CalendarException.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
        )
        _demand_reach(actor, *(each for each in (before, row) if each))
        row.full_clean()
        if before:
            recalculate(before)
        row.save()
        recalculate(row)
        _audit(actor, row, _written(before) if before else None, _written(row))
    return row


@retried
def drop(row: Shift | CalendarException, *, actor: User) -> None:
    """Delete a shift with its breaks, or an exception. Raises NotAllowed as `keep_shift` does."""
    with recording():
        _demand_reach(actor, row)
        recalculate(row)
        _audit(actor, row, _written(row), None)
        row.delete()


def recalculate(row: Shift | CalendarException) -> None:
    """Take back what was settled for the lines of this row, from the first moment that it can change.

    Called in the transaction that changes the row, for what it was and for what it becomes.
    """
    if row.line_id is not None:
        equipment = Equipment.objects.filter(line=row.line_id)
    else:
        equipment = Equipment.objects.filter(line__area__site=row.site_id)
    wanted = sorted(equipment.values_list("pk", flat=True))
    spans = Span.every.filter(equipment__in=wanted)
    began = spans.aggregate(first=Min("started_at"))["first"]
    if began is None:
        return
    day = row.first_day
    if isinstance(row, Shift) and not _has_siblings(row):
        # The first shift of a line replaces those of its site, and the first of a site "all the time".
        day = None
    if day is not None:
        began = max(began, _begins(day, row.site))
    unsettle(wanted, began)


def moved(equipment: "QuerySet[Equipment]") -> None:
    """Take back all that was settled of equipment whose site, or whose site's clock, is another one now.

    Called in the transaction that changes it.
    """
    with recording():
        unsettle(list(equipment.values_list("pk", flat=True)), FIRST)


def may_change(user: User, site: Site, line: Line | None) -> bool:
    """Whether the user sees every line that a row of this site, or of this line, speaks of."""
    if user.sees_all_lines:
        return True
    seen = Line.objects.visible_to(user)
    if line is not None:
        return seen.filter(pk=line.pk).exists()
    return not Line.objects.filter(area__site=site).exclude(pk__in=seen.values("pk")).exists()


def _demand_reach(actor: User, *rows: Shift | CalendarException) -> None:
    for row in rows:
        if not may_change(actor, row.site, row.line):
            raise NotAllowed("It is also for lines that you do not see.")


def _has_siblings(shift: Shift) -> bool:
    others = Shift.objects.filter(site=shift.site_id, line=shift.line_id)
    return others.exclude(pk=shift.pk).exists()


def _begins(day: date, site: Site) -> datetime:
    return moment(day, time.min, ZoneInfo(site.time_zone))


def _written(row: Shift | CalendarException) -> dict[str, object]:
    fields: dict[str, object] = audit.public_fields(row)
    if isinstance(row, Shift):
        fields["breaks"] = [str(each) for each in row.breaks.all()]
    return fields


def _audit(
    actor: User,
    row: Shift | CalendarException,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    verb = "delete" if after is None else "change" if before else "add"
    if before == after:
        return
    audit.record(
        actor,
        f"{row._meta.model_name}.{verb}",  # noqa: SLF001 - Django's documented API
        row,
        before=before,
        after=after,
        line_id=row.line.code if row.line else "",
    )
