"""What is lost is tallied by downtime; what was settled before is settled again with it."""

import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


def settle_anew(apps, editor):
    """Forget what is settled: it is remade from spans, which stay."""
    for name in ("TimeTally", "Settlement"):
        apps.get_model("production", name).objects.using(editor.connection.alias).all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('production', '0004_no_overlap_and_tallies'),
    ]

    operations = [
        migrations.CreateModel(
            name='LossTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('bucket', models.CharField(max_length=15)),
                ('length_us', models.BigIntegerField()),
                ('begun', models.PositiveSmallIntegerField(default=0)),
                ('downtime', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='production.downtime')),
                ('equipment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='loss_tallies', to='production.equipment')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.product')),
            ],
            options={
                'verbose_name_plural': 'loss tallies',
                'ordering': ['-started_at'],
                'constraints': [models.UniqueConstraint(models.F('equipment'), models.F('started_at'), models.F('bucket'), django.db.models.functions.comparison.Coalesce('downtime', 0), django.db.models.functions.comparison.Coalesce('product', 0), name="a quarter's loss is tallied once")],
            },
        ),
        migrations.RunPython(settle_anew, migrations.RunPython.noop),
    ]
