"""How reliable equipment is: the failures that began in a window, and its run time, from the records."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from production.accounting import times_of, until
from production.mean_times import Failure, Reliability, reliability
from production.models import Downtime, Equipment
from production.oee import RUN
from production.timelines import Extent


@dataclass(frozen=True, slots=True)
class Reliable:
    """The mean times, and how many stops may have been failures that nobody has given a reason."""

    means: Reliability
    unassigned: int


def reliable(
    equipment_ids: Collection[int], start: datetime, end: datetime, now: datetime
) -> Reliable:
    """Return the mean times of the failures that began in [start, end) and were known by `now`.

    A failure is a downtime whose reason says so; one without a reason is none, and is counted apart.
    """
    begun = Downtime.objects.filter(
        equipment__in=equipment_ids,
        started_at__gte=start,
        started_at__lt=min(end, now),
        merged_into__isnull=True,
    )
    failures = [
        Failure(*row)
        for row in begun.filter(reason__is_failure=True)
        .order_by()
        .values_list("started_at", "ended_at", "responded_at", "repaired_at")
    ]
    machines = Equipment.objects.filter(pk__in=equipment_ids).select_related("line")
    times = times_of(until([Extent(each, start, end) for each in machines], now))
    run = sum((account.of(*RUN) for account in times), timedelta())
    return Reliable(reliability(failures, run), begun.filter(reason=None).count())
