from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_KINDS = {"good_count": "good", "total_count": "total", "reject_count": "reject"}


def begin_anew(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Let the next value of a counter that was shown with its offset, or rounded, be a baseline.

    It is shown otherwise from now on, and the difference would be a reset or pieces.
    """
    counters = apps.get_model("production", "Counter").objects
    tags = apps.get_model("telemetry", "Tag").objects.exclude(scale=1, offset=0)
    for role, kind in _KINDS.items():
        shown = tags.filter(role=role, equipment__isnull=False).values("equipment")
        counters.filter(kind=kind, equipment__in=shown).update(begins_anew=True)


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0006_stamps"),
        ("production", "0008_counters_that_come_back"),
    ]

    operations = [migrations.RunPython(begin_anew, migrations.RunPython.noop)]
