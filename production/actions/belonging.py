"""What pieces of a moment belong to: its product, its job, its counters, and whether the state was known then.

A piece was made before it was counted, so it is of what held until the moment. The caller holds the lock on the
condition of the equipment.
"""

from datetime import datetime

from django.db.models import Q

from production.actions import states
from production.choices import State
from production.models import Condition, Context, JobRun
from production.pieces import joined
from production.transitions import gap


def product_id(condition: Condition, at: datetime) -> int | None:
    """Return the product that was in force until `at`."""
    changes = condition.equipment.context_changes.order_by("at", "pk")
    if changes.filter(at__gte=at).exists():
        return changes.filter(at__lt=at).values_list("product", flat=True).last()
    now = Context.objects.filter(pk=condition.pk)
    return now.values_list("product", flat=True).first()


def job_id(condition: Condition, at: datetime) -> int | None:
    """Return the job that ran until `at`; only the line's constraint counts for it.

    No job of the line begins or ends meanwhile: whoever does that locks the line's conditions first.
    """
    if not condition.equipment.is_constraint:
        return None
    runs = JobRun.objects.filter(Q(ended_at__gte=at) | Q(ended_at__isnull=True))
    own = runs.filter(job__line=condition.equipment.line_id, started_at__lt=at)
    return own.order_by("-started_at").values_list("job", flat=True).first()


def counters(condition: Condition, at: datetime) -> str:
    """Return the kinds that counters counted then, as `pieces.joined`: today's where none has counted since.

    The first increment that a counter made after the moment, or up to it, says what there was to count it.
    """
    counted = condition.equipment.counts.filter(by__isnull=True, quantity__gt=0, at__gte=at)
    then = counted.order_by("at", "pk").values_list("counters", flat=True).first()
    if then is not None:
        return str(then)
    now = condition.equipment.counters.values_list("kind", flat=True)
    return joined(list(now))


def is_known(condition: Condition, at: datetime) -> bool:
    """Whether the state was known until `at`; that of an open span is, until it was not told for too long."""
    lasted_until = Q(ended_at__gte=at) | Q(ended_at__isnull=True)
    span = condition.equipment.spans.filter(lasted_until, started_at__lt=at).first()
    if span is None or span.state == State.NO_DATA:
        return False
    longest = states.no_data_after(condition)
    return span.ended_at is not None or gap(states.present(condition), at, longest) is None
