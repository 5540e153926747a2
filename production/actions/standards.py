"""What follows an edit of the standards: counts of the past take the ideal cycle now in force."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import effects
from production.actions.counts import attach_ideal_cycles, tally
from production.actions.lines import locked
from production.actions.superseding import forget_empty_tallies
from production.models import Count, Equipment, IdealCycle, Line, Span
from production.settling import unsettle

BATCH = 2000


@retried
def cycles_changed(
    equipment: Equipment,
    product_id: int,
    since: datetime,
    *,
    actor: User,
    leaving: IdealCycle | None = None,
    now: datetime | None = None,
) -> int:
    """Let what was counted of the product from `since` on take the ideal cycle in force; return how many did.

    Call it in the transaction that adds or changes one, or before one goes, which is then `leaving`. The
    figures are computed anew and said. Idempotent.
    """
    with recording():
        condition = locked([equipment.pk])[equipment.pk]
        rows = Count.every.filter(
            equipment=equipment, product=product_id, at__gte=since
        ).order_by("pk")
        moved, last = 0, 0
        while batch := list(rows.filter(pk__gt=last)[:BATCH]):
            last = batch[-1].pk
            moved += _attach(batch, leaving)
        unsettle([equipment.pk], since)
        if moved:
            audit.record(
                actor,
                "idealcycle.follow",
                equipment,
                after={"product_id": product_id, "since": since, "counts": moved},
                line_id=equipment.line.code,
            )
        effects.say(condition.equipment.line, now or timezone.now())
    return moved


def _attach(counts: Collection[Count], leaving: IdealCycle | None) -> int:
    before = {count.pk: count.ideal_cycle_id for count in counts}
    live = [count for count in counts if count.superseded_by_id is None]
    tally(live, sign=-1)
    for count in counts:
        count.ideal_cycle = None
    attach_ideal_cycles(counts, leaving=leaving)
    tally(live)
    forget_empty_tallies(live)
    moved = [count for count in counts if count.ideal_cycle_id != before[count.pk]]
    Count.every.bulk_update(moved, ["ideal_cycle"])
    return len(moved)


@retried
def thresholds_changed(equipment: Equipment, *, now: datetime | None = None) -> None:
    """Let the past of an equipment be told anew by its thresholds, which hold for all of it."""
    with recording():
        condition = locked([equipment.pk])[equipment.pk]
        first = Span.objects.filter(equipment=equipment).order_by("started_at").first()
        if first is not None:
            unsettle([equipment.pk], first.started_at)
        effects.say(condition.equipment.line, now or timezone.now())


def line_changed(line: Line, *, now: datetime | None = None) -> None:
    """Say the figures of a line anew whose way to make them has changed; what is settled stays."""
    with recording():
        effects.say(line, now or timezone.now())
