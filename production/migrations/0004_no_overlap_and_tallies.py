"""Spans and downtimes that hold do not overlap; pieces are tallied anew by ideal cycle and job."""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import migrations

from production.overlap import allow, refuse

SPANS = ("production_span", "spans of an equipment do not overlap")
DOWNTIMES = ("production_downtime", "downtimes of an equipment do not overlap")
QUARTER = timedelta(minutes=15)
BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def tally_anew(apps, editor):
    """Add up every increment again: the old rows do not say at which ideal cycle they were made."""
    count, tally = (apps.get_model("production", name) for name in ("Count", "Tally"))
    sums = defaultdict(int)
    rows = count.objects.using(editor.connection.alias).filter(quantity__gt=0)
    fields = ("equipment", "at", "kind", "product", "ideal_cycle", "measured", "quantity")
    for equipment, at, kind, product, cycle, measured, quantity in rows.values_list(
        *fields
    ).iterator(chunk_size=5000):
        made = at - timedelta(microseconds=1)
        quarter = made - (made - BEGINNING) % QUARTER
        sums[equipment, quarter, kind, product, cycle, measured] += quantity
    tally.objects.using(editor.connection.alias).all().delete()
    tally.objects.using(editor.connection.alias).bulk_create(
        [
            tally(
                equipment_id=equipment,
                started_at=quarter,
                kind=kind,
                product_id=product,
                ideal_cycle_id=cycle,
                measured=measured,
                quantity=quantity,
            )
            for (equipment, quarter, kind, product, cycle, measured), quantity in sums.items()
        ],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("production", "0003_time_jobs_downtime_quality")]

    operations = [
        migrations.RunPython(refuse(*SPANS), allow(*SPANS)),
        migrations.RunPython(refuse(*DOWNTIMES), allow(*DOWNTIMES)),
        migrations.RunPython(tally_anew, migrations.RunPython.noop),
    ]
