"""What follows an edit of the standards: counts of the past take the ideal cycle now in force."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
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
from production.limits import limits_of
from production.models import (
    Condition,
    Count,
    Equipment,
    IdealCycle,
    Line,
    PastThreshold,
    Span,
)
from production.settling import unsettle
from production.timeline import Stretch

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
def told_anew(equipment: Equipment, *, now: datetime | None = None) -> None:
    """Let the past of an equipment be told anew: in another line, as its constraint, by what is slow now."""
    with recording():
        condition = locked([equipment.pk])[equipment.pk]
        first = Span.objects.filter(equipment=equipment).order_by("started_at").first()
        if first is not None:
            unsettle([equipment.pk], first.started_at)
        effects.say(condition.equipment.line, now or timezone.now())


@contextmanager
def thresholds_kept(now: datetime | None = None) -> Iterator[None]:
    """Edit thresholds in the block: they hold for stops that begin from now on.

    What stops of the past were judged by is written down where it would be another one, so that their
    downtimes and figures stay. All equipment is locked first, since a reading may end a stop meanwhile.
    """
    with recording():
        locked(Condition.objects.values_list("pk", flat=True))
        at = now or timezone.now()
        before = limits_of(Equipment.objects.all())
        yield
        after = limits_of(Equipment.objects.filter(pk__in=before))
        for pk, limits in after.items():
            for product in before[pk].products() | limits.products():
                held = before[pk].held(product, at)
                if held != limits.held(product, at):
                    _write_past(pk, product, held)


def _write_past(
    equipment_id: int, product_id: int | None, held: Sequence[Stretch[float | None]]
) -> None:
    PastThreshold.objects.filter(equipment=equipment_id, product=product_id).delete()
    PastThreshold.objects.bulk_create(
        PastThreshold(
            equipment_id=equipment_id,
            product_id=product_id,
            since=each.started_at,
            until=each.ended_at,
            stop_after_s=each.what,
        )
        for each in held
    )


def line_changed(line: Line, *, now: datetime | None = None) -> None:
    """Say the figures of a line anew whose way to make them has changed; what is settled stays."""
    with recording():
        effects.say(line, now or timezone.now())
