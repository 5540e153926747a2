"""What the system has made of a script, read from its tables."""

from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction

from django.db.models import Q, Sum

from production.accounting import accounts
from production.models import Changeover, Count, Downtime, Equipment, Job
from production.oee import PPT, seconds
from telemetry.scripted.comparing import Measured
from telemetry.scripted.script import Script
from telemetry.simulator.bakery_tags import BAG, LOAD


def measure(script: Script, began_at: datetime, now: datetime) -> Measured:
    """Read all that happened since the script began."""
    bagger, loader = Equipment.objects.get(code=BAG), Equipment.objects.get(code=LOAD)
    ended_at = began_at + timedelta(seconds=script.seconds)
    account = accounts([bagger], began_at, ended_at, now)[bagger.pk]
    ppt = Fraction(seconds(account.of(*PPT)))
    made = account.output
    return Measured(
        stays=_stays(bagger, began_at, ended_at),
        loader_stays=_stays(loader, began_at, ended_at),
        made=_made(bagger, began_at),
        loader_made=sum(
            quantity
            for kinds in _made(loader, began_at).values()
            for quantity in kinds.values()
        ),
        downtimes=[
            (row.started_at - began_at, _since(row.ended_at, began_at))
            for row in Downtime.objects.filter(
                equipment=bagger, started_at__gte=began_at
            ).order_by("started_at")
        ],
        changeovers=[
            (row.started_at - began_at, _since(row.ended_at, began_at))
            for row in Changeover.objects.filter(
                line=bagger.line_id, started_at__gte=began_at
            ).order_by("started_at")
        ],
        jobs={
            job.number: (_since(job.ended_at, began_at), job.good, job.reject)
            for job in Job.objects.filter(line=bagger.line_id)
        },
        time={str(bucket): length for bucket, length in account.time.items() if length},
        oee=Fraction(made.good_s) / ppt if ppt and not made.without else None,
    )


def _stays(
    equipment: Equipment, began_at: datetime, ended_at: datetime
) -> list[tuple[str, timedelta, timedelta | None]]:
    spans = equipment.spans.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=began_at), started_at__lt=ended_at
    ).order_by("started_at")
    return [
        (span.state, span.started_at - began_at, _since(span.ended_at, began_at))
        for span in spans
    ]


def _made(equipment: Equipment, began_at: datetime) -> dict[int, dict[tuple[str, bool], int]]:
    rows = (
        Count.objects.filter(equipment=equipment, at__gt=began_at)
        .order_by()
        .values_list("product__plc_number", "kind", "measured")
        .annotate(Sum("quantity"))
    )
    found: dict[int, dict[tuple[str, bool], int]] = defaultdict(dict)
    for product, kind, measured, quantity in rows:
        found[product or 0][kind, measured] = quantity
    return found


def _since(moment: datetime | None, began_at: datetime) -> timedelta | None:
    return None if moment is None else moment - began_at
