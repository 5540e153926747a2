import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import production.models.floor
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.')])),
                ('name', models.CharField(max_length=100)),
                ('time_zone', models.CharField(default='UTC', help_text='Such as Europe/Berlin.', max_length=64, validators=[production.models.floor.known_time_zone])),
            ],
            options={
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='Area',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.')])),
                ('name', models.CharField(max_length=100)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='areas', to='production.site')),
            ],
            options={
                'ordering': ['site', 'code'],
                'constraints': [models.UniqueConstraint(fields=('site', 'code'), name="an area's code is unique in its site")],
            },
        ),
        migrations.CreateModel(
            name='Line',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='Names the line for programs, such as L-BAG1. It never changes.', max_length=64, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.'), production.models.floor.not_reserved])),
                ('name', models.CharField(max_length=100)),
                ('position', models.PositiveIntegerField(default=0, help_text='Order on the overview.')),
                ('area', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='production.area')),
            ],
            options={
                'ordering': ['position', 'code'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('code'), name='line codes differ in more than case'), models.CheckConstraint(condition=models.Q(('code__in', ('all', 'plant', 'sys', 'me')), _negated=True), name="a line's code is not a reserved word")],
            },
        ),
        migrations.CreateModel(
            name='Equipment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='A dotted path, such as BP01.PACK.BAG1. It never changes.', max_length=64, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.'), production.models.floor.not_reserved])),
                ('name', models.CharField(max_length=100)),
                ('position', models.PositiveIntegerField(default=0, help_text='Order in the flow of the line.')),
                ('is_constraint', models.BooleanField(default=False, help_text="The line's figures are those of its constraint.")),
                ('running_above', models.FloatField(default=0, help_text='Pieces a minute above which the speed counts as running, if no bit or state word tells.', validators=[django.core.validators.MinValueValidator(0)])),
                ('slow_after_s', models.FloatField(default=5, help_text='Seconds between two pieces after which a cycle is slow.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(86400)])),
                ('stop_after_s', models.FloatField(default=120, help_text='Seconds after which a stop is a downtime and no longer a micro-stop.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(86400)])),
                ('no_data_after_s', models.FloatField(default=3, help_text='Seconds without a good reading after which nothing is known: three poll periods.', validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(86400)])),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='equipment', to='production.line')),
            ],
            options={
                'verbose_name_plural': 'equipment',
                'ordering': ['line', 'position', 'code'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_constraint', True)), fields=('line',), name='a line has one constraint'), models.CheckConstraint(condition=models.Q(('slow_after_s__lte', models.F('stop_after_s')), ('stop_after_s__lte', 86400)), name='slow cycles are shorter than stops and both within a day'), models.CheckConstraint(condition=models.Q(('no_data_after_s__gt', 0), ('no_data_after_s__lte', 86400)), name='silence is longer than nothing and at most a day')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.')])),
                ('name', models.CharField(max_length=100)),
                ('plc_number', models.IntegerField(blank=True, help_text='The number by which controllers name it; empty if none does.', null=True, unique=True)),
            ],
            options={
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='IdealCycle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seconds', models.DecimalField(decimal_places=6, help_text='Seconds per piece, exact: 0.6 is 100 a minute.', max_digits=12)),
                ('effective_from', models.DateTimeField(help_text='Holds from here until the next one.')),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ideal_cycles', to='production.equipment')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ideal_cycles', to='production.product')),
            ],
            options={
                'ordering': ['equipment', 'product', '-effective_from'],
                'constraints': [models.UniqueConstraint(fields=('equipment', 'product', 'effective_from'), name='one ideal cycle takes effect at a time'), models.CheckConstraint(condition=models.Q(('seconds__gt', 0)), name='an ideal cycle takes time')],
            },
        ),
        migrations.CreateModel(
            name='LineAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='production.line')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='line_access', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'line access',
                'constraints': [models.UniqueConstraint(fields=('user', 'line'), name='a line is granted once')],
            },
        ),
        migrations.CreateModel(
            name='Count',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('good', 'Good'), ('reject', 'Reject'), ('total', 'Total')], max_length=10)),
                ('quantity', models.BigIntegerField()),
                ('after', models.DateTimeField(help_text='The reading before; empty for a baseline.', null=True)),
                ('at', models.DateTimeField()),
                ('measured', models.BooleanField(default=True)),
                ('decision', models.CharField(choices=[('baseline', 'first value: nothing counted'), ('counted', 'Counted'), ('rollover', 'the counter rolled over'), ('reset', 'the counter was reset'), ('jump', 'implausible jump: not counted')], default='counted', max_length=10)),
                ('value_before', models.BigIntegerField(null=True)),
                ('value', models.BigIntegerField(help_text='What the counter showed.', null=True)),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='counts', to='production.equipment')),
                ('ideal_cycle', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.idealcycle')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.product')),
            ],
            options={
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(fields=['equipment', 'at'], name='count_equipment_at')],
                'constraints': [models.CheckConstraint(condition=models.Q(('quantity__gte', 0)), name='an increment is not negative')],
            },
        ),
        migrations.CreateModel(
            name='ContextChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target_speed', models.FloatField(blank=True, help_text='Pieces a minute; empty: the ideal cycle says.', null=True)),
                ('planned_stop', models.BooleanField(default=False)),
                ('planned_stop_reason', models.CharField(blank=True, max_length=100)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='context_changes', to='production.equipment')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.product')),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Span',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('running', 'Running'), ('idle', 'Idle'), ('stopped', 'Stopped'), ('faulted', 'Faulted'), ('starved', 'Starved'), ('blocked', 'Blocked'), ('setup', 'Setup'), ('no_data', 'no data')], max_length=10)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(help_text='Empty while it lasts.', null=True)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='spans', to='production.equipment')),
            ],
            options={
                'ordering': ['-started_at'],
                'indexes': [models.Index(fields=['equipment', 'ended_at'], name='span_equipment_ended')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('equipment',), name='an equipment is in one state at a time'), models.UniqueConstraint(fields=('equipment', 'started_at'), name='one span begins at a time'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gt', models.F('started_at')), _connector='OR'), name='a span ends after it began'), models.CheckConstraint(condition=models.Q(('state__in', ['running', 'idle', 'stopped', 'faulted', 'starved', 'blocked', 'setup', 'no_data'])), name='a span is in a known state')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('kind', models.CharField(choices=[('good', 'Good'), ('reject', 'Reject'), ('total', 'Total')], max_length=10)),
                ('measured', models.BooleanField(default=True)),
                ('quantity', models.BigIntegerField()),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tallies', to='production.equipment')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.product')),
            ],
            options={
                'verbose_name_plural': 'tallies',
                'ordering': ['-started_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('product__isnull', False)), fields=('equipment', 'started_at', 'kind', 'product', 'measured'), name='a quarter is tallied once per product'), models.UniqueConstraint(condition=models.Q(('product__isnull', True)), fields=('equipment', 'started_at', 'kind', 'measured'), name='a quarter is tallied once without a product')],
            },
        ),
        migrations.CreateModel(
            name='Condition',
            fields=[
                ('equipment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='condition', serialize=False, to='production.equipment')),
                ('state', models.CharField(choices=[('running', 'Running'), ('idle', 'Idle'), ('stopped', 'Stopped'), ('faulted', 'Faulted'), ('starved', 'Starved'), ('blocked', 'Blocked'), ('setup', 'Setup'), ('no_data', 'no data')], default='no_data', max_length=10)),
                ('since', models.DateTimeField(help_text='When the state began; empty before any data.', null=True)),
                ('previous', models.CharField(blank=True, choices=[('running', 'Running'), ('idle', 'Idle'), ('stopped', 'Stopped'), ('faulted', 'Faulted'), ('starved', 'Starved'), ('blocked', 'Blocked'), ('setup', 'Setup'), ('no_data', 'no data')], help_text='The state before; empty for the first.', max_length=10)),
                ('reason', models.CharField(blank=True, help_text='Why, in a sentence.', max_length=200)),
                ('last_good_at', models.DateTimeField(null=True)),
                ('state_read_at', models.DateTimeField(help_text='The last good reading that told the state.', null=True)),
                ('quality', models.CharField(default='bad', max_length=10)),
                ('trouble', models.CharField(blank=True, help_text='Why the last reading was bad; empty if it was not.', max_length=200)),
                ('speed', models.FloatField(help_text='Pieces a minute at the last good reading.', null=True)),
                ('product_number', models.IntegerField(help_text="The product by the controller's number, as last read.", null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['running', 'idle', 'stopped', 'faulted', 'starved', 'blocked', 'setup', 'no_data'])), name='an equipment is in a known state')],
            },
        ),
        migrations.CreateModel(
            name='Context',
            fields=[
                ('target_speed', models.FloatField(blank=True, help_text='Pieces a minute; empty: the ideal cycle says.', null=True)),
                ('planned_stop', models.BooleanField(default=False)),
                ('planned_stop_reason', models.CharField(blank=True, max_length=100)),
                ('equipment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='context', serialize=False, to='production.equipment')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='production.product')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('target_speed__isnull', True), ('target_speed__gt', 0), _connector='OR'), name='a target speed is above zero')],
            },
        ),
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('good', 'Good'), ('reject', 'Reject'), ('total', 'Total')], max_length=10)),
                ('value', models.BigIntegerField()),
                ('read_at', models.DateTimeField()),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='counters', to='production.equipment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('equipment', 'kind'), name='an equipment has one counter of a kind')],
            },
        ),
        migrations.CreateModel(
            name='Fault',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='Tag and bit, such as Fault[31].', max_length=100)),
                ('text', models.CharField(max_length=200)),
                ('severity', models.CharField(choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High'), ('critical', 'Critical')], max_length=10)),
                ('source', models.CharField(choices=[('internal', 'Internal'), ('upstream', 'Upstream'), ('downstream', 'Downstream')], max_length=10)),
                ('reason_code', models.CharField(blank=True, max_length=40)),
                ('raised_at', models.DateTimeField()),
                ('cleared_at', models.DateTimeField(null=True)),
                ('first_out', models.BooleanField(default=False, help_text='The first fault of its stop.')),
                ('equipment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='faults', to='production.equipment')),
            ],
            options={
                'ordering': ['-raised_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('equipment', 'code'), name='a fault is open once'), models.CheckConstraint(condition=models.Q(('cleared_at__isnull', True), ('cleared_at__gte', models.F('raised_at')), _connector='OR'), name='a fault clears after it rose')],
            },
        ),
    ]
