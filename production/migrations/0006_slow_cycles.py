"""Pauses between pieces are kept with the piece that ended them; slow cycles are settled with the time."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('production', '0005_loss_tallies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='count',
            name='idle_since',
            field=models.DateTimeField(help_text='The last reading by which a piece had been made, where one in between saw none.', null=True),
        ),
        migrations.AddField(
            model_name='counter',
            name='moved_at',
            field=models.DateTimeField(help_text='The last reading by which it had counted; empty if nobody knows.', null=True),
        ),
        migrations.AddField(
            model_name='timetally',
            name='slow_cycles',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='timetally',
            name='slow_us',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='count',
            index=models.Index(condition=models.Q(('idle_since__isnull', False)), fields=['equipment', 'at'], name='count_after_a_pause'),
        ),
    ]
