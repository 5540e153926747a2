from django.db import migrations, models

# The index on (tag, source_at) answers whatever one on the tag alone would, and samples are many.
_NAME = "telemetry_sample_tag_id_b3d8a7a1"


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_meaning")]

    operations = [
        # By the database's own words, since SQLite would copy the whole table for it.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="sample",
                    name="tag",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="samples",
                        to="telemetry.tag",
                    ),
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {_NAME}",
                    f"CREATE INDEX {_NAME} ON telemetry_sample (tag_id)",
                )
            ],
        )
    ]
