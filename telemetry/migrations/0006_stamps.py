from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from telemetry.models.stamps import StampField

_STAMPED = ("messagebit", "plc", "staterule", "tag")


def keep_the_newest(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Of the warnings of a tag that stand because of unknown numbers, let the newest stand alone."""
    standing = apps.get_model("telemetry", "ConfigurationWarning").objects.filter(
        kind="unknown_state", settled_at=None
    )
    newest = standing.values("tag").annotate(newest=models.Max("pk")).values("newest")
    standing.exclude(pk__in=list(newest.values_list("newest", flat=True))).update(
        settled_at=models.F("since")
    )


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0005_one_index_of_samples")]

    operations = [
        migrations.RunPython(keep_the_newest, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name="configurationwarning", name="a warning stands once"
        ),
        migrations.AddConstraint(
            model_name="configurationwarning",
            constraint=models.UniqueConstraint(
                condition=models.Q(kind="unknown_state", settled_at__isnull=True),
                fields=("tag",),
                name="unknown states of a tag are one warning",
            ),
        ),
        *(migrations.RemoveField(model_name=each, name="updated_at") for each in _STAMPED),
        *(
            migrations.AddField(model_name=each, name="stamp", field=StampField())
            for each in _STAMPED
        ),
        migrations.AddField(
            model_name="plclink",
            name="period_s",
            field=models.FloatField(
                help_text="How often it is read by its tags and caps, seconds.", null=True
            ),
        ),
    ]
