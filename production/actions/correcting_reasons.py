"""Another reason for a downtime, also for one that was confirmed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ms5.accounts.models import User
from production import standing
from production.actions import superseding
from production.actions.downtime_rows import change, over_at, shown
from production.actions.drafts import Changed, Draft, Fields, moment, refuse
from production.choices import CorrectionKind, CorrectionSubject
from production.models import Condition, Correction, Downtime, Reason
from production.stops import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoned:
    """Give a downtime another reason; None takes it away. Whoever corrects it stands by it."""

    downtime_id: int
    reason: Reason | None
    note: str | None = None
    version: int | None = None


def draft(
    what: Reasoned, condition: Condition, row: Downtime, actor: User, at: datetime
) -> Draft:
    """Return what is to be done; one that lasts may be given a reason as well."""
    if what.reason == row.reason and what.note in {None, row.note}:
        raise refuse("unchanged", "It has that reason already.", row)
    if what.reason is not None and not what.reason.is_active:
        raise refuse("inactive", "That reason may not be chosen any more.", row)
    before = _reason_fields(row)
    changes: dict[str, Any] = {
        "reason_id": what.reason.pk if what.reason else None,
        "category": what.reason.category if what.reason else _category(row, at),
        "reported_by_id": actor.pk,
        "confirmed_by_id": actor.pk if what.reason else None,
        "confirmed_at": at if what.reason else None,
        "note": row.note if what.note is None else what.note,
    }
    after: Fields = {
        "reason": what.reason.code if what.reason else None,
        "category": changes["category"],
        "confirmed_at": moment(changes["confirmed_at"]),
        "note": changes["note"][:100],
    }

    def make(correction: Correction) -> Changed:
        superseding.keep(row, correction)
        change(row, changes)
        return Changed(downtimes=[row], rows=[shown(row.pk, before, after)])

    return Draft(
        condition=condition,
        subject=CorrectionSubject.DOWNTIME,
        subject_id=row.pk,
        what=CorrectionKind.REASON,
        before=before,
        after=after,
        affected_from=row.started_at,
        affected_to=over_at(row, at),
        make=make,
    )


def _category(row: Downtime, at: datetime) -> str:
    """Return what the rules say of a stop that nobody has given a reason."""
    end = over_at(row, at)
    whole = Stop(row.started_at, end, end - row.started_at)
    return standing.explain(row.equipment, whole).category


def _reason_fields(row: Downtime) -> Fields:
    return {
        "reason": row.reason.code if row.reason else None,
        "category": row.category,
        "confirmed_at": moment(row.confirmed_at),
        "note": row.note[:100],
    }
