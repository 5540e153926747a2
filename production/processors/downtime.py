"""What only time can tell of stops: one has outlasted its threshold and is a downtime."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from ms5.events.log import recording
from ms5.events.retry import retried
from production import standing
from production.actions import stopping
from production.actions.lines import locked, per_line
from production.models import Condition, Downtime


def downtime(now: datetime) -> int:
    """Open a downtime for each present stop that is longer than its threshold; return how many began.

    Idempotent: a stop has one downtime, announced once, also with two of these at work. A line that fails is
    logged and the others go on; then an ExceptionGroup says so.
    """
    lasting = Downtime.objects.filter(ended_at__isnull=True)
    still = Condition.objects.filter(stopped_since__isnull=False, state_read_at__isnull=False)
    without = {each.pk: each for each in still.exclude(pk__in=lasting.values("equipment"))}
    least = standing.shortest(without)
    # Most stops are told to be short by their ends alone, whatever of them is known.
    long = [each for pk, each in without.items() if _at_most(each) > least[pk]]
    stops = standing.present_stops(long)
    late = [pk for pk, stop in stops.items() if not stop.is_small(least[pk])]
    return per_line(late, lambda pk: pk, partial(_open, now=now)) if late else 0


@retried
def _open(equipment_ids: Sequence[int], *, now: datetime) -> int:
    with recording():
        # Asked again under the lock: it may run by now, or another may have been quicker.
        conditions = locked(equipment_ids).values()
        return sum(stopping.open_if_long(each, now) is not None for each in conditions)


def _at_most(condition: Condition) -> timedelta:
    """Return what the present stop's known length cannot exceed."""
    if condition.stopped_since is None or condition.state_read_at is None:
        return timedelta()
    return condition.state_read_at - condition.stopped_since
