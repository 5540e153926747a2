from collections import defaultdict

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Coalesce

_KINDS = ("good", "reject", "total")


def as_ever(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Write with what was counted the counters that each equipment has had: it was read by all of them."""
    kinds = defaultdict(set)
    counters = apps.get_model("production", "Counter").objects.order_by("pk")
    for equipment, kind in counters.values_list("equipment", "kind"):
        kinds[equipment].add(kind)
    by_set = defaultdict(list)
    for equipment, own in kinds.items():
        by_set[" ".join(kind for kind in _KINDS if kind in own)].append(equipment)
    for name in ("Count", "Tally"):
        model = apps.get_model("production", name)
        for counted_by, equipment in by_set.items():
            for start in range(0, len(equipment), 500):
                some = equipment[start : start + 500]
                model._base_manager.filter(equipment__in=some).update(counters=counted_by)


class Migration(migrations.Migration):
    dependencies = [("production", "0009_counters_have_a_source")]

    operations = [
        migrations.AddField(
            model_name="count",
            name="counters",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The kinds that counters counted then; empty: none did, people enter the pieces.",
                max_length=20,
            ),
        ),
        migrations.RemoveConstraint(model_name="tally", name="a quarter is tallied once"),
        migrations.AddField(
            model_name="tally",
            name="counters",
            field=models.CharField(
                blank=True, default="", help_text="As in the counts.", max_length=20
            ),
        ),
        migrations.RunPython(as_ever, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.UniqueConstraint(
                "equipment",
                "started_at",
                "kind",
                Coalesce("product", 0),
                Coalesce("ideal_cycle", 0),
                Coalesce("job", 0),
                "measured",
                "counters",
                name="a quarter is tallied once",
            ),
        ),
    ]
