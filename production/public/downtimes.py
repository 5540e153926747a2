"""The public form of downtimes: what a fact says is what a snapshot says."""

from collections.abc import Collection
from datetime import timedelta
from typing import Literal, cast

from ms5.accounts.models import User
from ms5.events import facts
from ms5.events.items import Item
from production.models import Downtime, Line

Category = Literal["planned", "unplanned", "changeover", "maintenance"]
Status = Literal["open", "closed", "confirmed"]
RELATED = (
    "equipment__line",
    "reason",
    "suggested",
    "fault",
    "reported_by",
    "confirmed_by",
    "product",
)
LONGEST_NAME, LONGEST_SENTENCE = 100, 500


def downtime_of(row: Downtime) -> facts.Downtime:
    """Return the whole public state of a downtime, open or over."""
    return facts.Downtime(
        id=row.pk,
        equipment_code=row.equipment.code,
        status=status_of(row),
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_seconds=(row.ended_at - row.started_at) / timedelta(seconds=1)
        if row.ended_at
        else None,
        category=cast(Category, row.category),
        reason_code=row.reason.code if row.reason else None,
        reason=row.reason.name[:LONGEST_NAME] if row.reason else None,
        suggested_reason_code=row.suggested.code if row.suggested else None,
        suggested_reason=row.suggested.name[:LONGEST_NAME] if row.suggested else None,
        fault_id=row.fault_id,
        fault=row.fault.text[:LONGEST_SENTENCE] if row.fault else None,
        reported_by=_name(row.reported_by),
        confirmed_by=_name(row.confirmed_by),
        confirmed_at=row.confirmed_at,
        note=row.note[:LONGEST_SENTENCE] or None,
        job_id=row.job_id,
        product_code=row.product.code if row.product else None,
        product=row.product.name[:LONGEST_NAME] if row.product else None,
        merged_into=row.merged_into_id,
        version=row.version,
    )


def status_of(row: Downtime) -> Status:
    """Return `confirmed` for one that somebody stands by, also while it lasts.

    Nobody stands by one that was merged into another: it is `closed`, and has no time of its own.
    """
    if row.merged_into_id is not None:
        return "closed"
    if row.confirmed_at is not None:
        return "confirmed"
    return "open" if row.ended_at is None else "closed"


def open_items(lines: Collection[Line]) -> list[Item]:
    """Return those that last on the lines, oldest first."""
    lasting = Downtime.objects.filter(equipment__line__in=lines, ended_at__isnull=True)
    return [
        Item(
            type="downtime_event",
            line_id=row.equipment.line.code,
            equipment_code=row.equipment.code,
            data=downtime_of(row),
        )
        for row in lasting.select_related(*RELATED).order_by("started_at", "pk")
    ]


def _name(person: User | None) -> str | None:
    return str(person)[:LONGEST_NAME] if person else None
