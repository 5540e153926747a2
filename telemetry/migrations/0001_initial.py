import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('production', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Plc',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\Z', 'A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.')])),
                ('name', models.CharField(max_length=100)),
                ('protocol', models.CharField(choices=[('logix', 'EtherNet/IP (Logix)'), ('modbus_tcp', 'Modbus TCP')], max_length=12)),
                ('host', models.CharField(help_text='Name or IP address.', max_length=253, validators=[django.core.validators.RegexValidator('\\A(?!.*\\.\\.)[0-9A-Za-z:]([0-9A-Za-z_.:-]*[0-9A-Za-z:])?\\Z', 'A host is a name or an IP address, such as plc7.packing or 10.1.2.3.')])),
                ('port', models.PositiveIntegerField(default=44818, help_text='44818 for EtherNet/IP, 502 for Modbus TCP.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)])),
                ('path', models.CharField(blank=True, help_text='Logix only: slot or CIP path; empty for slot 0.', max_length=100)),
                ('poll_period_s', models.FloatField(default=1, help_text='Seconds between two polls, one or more.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3600)])),
                ('timeout_s', models.FloatField(default=1, help_text='Seconds within which one whole exchange must be over.', validators=[django.core.validators.MinValueValidator(0.05), django.core.validators.MaxValueValidator(30)])),
                ('shard', models.PositiveIntegerField(default=0, help_text='Which poll task reads it, modulo MS5_POLL_SHARDS. PLCs of one equipment share one.')),
                ('enabled', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(auto_now=True, help_text="An edit later than the worker's last look is picked up.")),
            ],
            options={
                'verbose_name': 'PLC',
                'verbose_name_plural': 'PLCs',
                'ordering': ['code'],
                'constraints': [models.CheckConstraint(condition=models.Q(('poll_period_s__gt', 0), ('poll_period_s__lte', 3600), ('timeout_s__gt', 0), ('timeout_s__lte', 30)), name='a poll is due within the hour and over within half a minute')],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('address', models.CharField(help_text="Logix: the tag's name. Modbus: holding:100, input:7, coil:3, discrete:9, holding:100.3.", max_length=200)),
                ('data_type', models.CharField(choices=[('bool', 'Bool'), ('int16', 'Int16'), ('uint16', 'Uint16'), ('int32', 'Int32'), ('uint32', 'Uint32'), ('int64', 'Int64'), ('uint64', 'Uint64'), ('float32', 'Float32'), ('float64', 'Float64'), ('string', 'String')], max_length=10)),
                ('length', models.PositiveIntegerField(default=1, help_text='Elements of an array, else 1.', validators=[django.core.validators.MinValueValidator(1)])),
                ('byte_order', models.CharField(choices=[('ABCD', 'ABCD (big endian)'), ('CDAB', 'CDAB (words swapped)'), ('BADC', 'BADC (bytes swapped)'), ('DCBA', 'DCBA (little endian)')], default='ABCD', help_text='Modbus only.', max_length=4)),
                ('device_id', models.PositiveIntegerField(default=1, help_text='Modbus only: the unit behind the address.', validators=[django.core.validators.MaxValueValidator(255)])),
                ('role', models.CharField(choices=[('none', 'stored only'), ('running', 'running bit'), ('state_word', 'state word'), ('speed', 'speed (pieces a minute)'), ('good_count', 'counter of good pieces'), ('total_count', 'counter of all pieces'), ('reject_count', 'counter of rejects'), ('product', 'product number'), ('mode', 'mode word'), ('starved', 'starved bit'), ('blocked', 'blocked bit'), ('message_bits', 'message bits')], default='none', max_length=16)),
                ('scale', models.FloatField(default=1, help_text='Engineering value = raw x scale + offset.')),
                ('offset', models.FloatField(default=0)),
                ('unit', models.CharField(blank=True, max_length=20)),
                ('state_map', models.JSONField(blank=True, default=dict, help_text='State words only: raw number to state, such as {"1": "running"}.')),
                ('modulus', models.BigIntegerField(blank=True, help_text='Counters only: the value at which it rolls over to 0.', null=True)),
                ('max_per_minute', models.FloatField(blank=True, help_text='Counters only: the fastest it can count; a larger step is not believed.', null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('count_after_reset', models.BooleanField(default=True, help_text='Counters only: after a reset, count what it shows.')),
                ('deadband', models.FloatField(default=0, help_text='A change of at most this is not stored.', validators=[django.core.validators.MinValueValidator(0)])),
                ('longest_interval_s', models.FloatField(default=60, help_text='Stored at least this often.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(86400)])),
                ('enabled', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('equipment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tags', to='production.equipment')),
                ('plc', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='telemetry.plc')),
            ],
            options={
                'ordering': ['plc', 'name'],
                'constraints': [models.UniqueConstraint(fields=('plc', 'name'), name="a tag's name is unique in its PLC"), models.UniqueConstraint(condition=models.Q(('enabled', True), ('equipment__isnull', False), models.Q(('role__in', ['none', 'message_bits']), _negated=True)), fields=('equipment', 'role'), name='a role of an equipment is played by one tag'), models.CheckConstraint(condition=models.Q(('role', 'none'), ('equipment__isnull', False), _connector='OR'), name='a role needs an equipment'), models.CheckConstraint(condition=models.Q(('longest_interval_s__gte', 0), ('longest_interval_s__lte', 86400)), name='a tag is stored once a day at least'), models.CheckConstraint(condition=models.Q(('modulus__isnull', True), ('modulus__gt', 0), _connector='OR'), name='a modulus is above zero')],
            },
        ),
        migrations.CreateModel(
            name='MessageBit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bit', models.PositiveIntegerField()),
                ('text', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('fault', 'Fault'), ('prompt', 'operator prompt'), ('status', 'Status'), ('info', 'Note'), ('unused', 'Unused')], max_length=10)),
                ('severity', models.CharField(choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High'), ('critical', 'Critical')], default='medium', max_length=10)),
                ('source', models.CharField(choices=[('internal', 'Internal'), ('upstream', 'Upstream'), ('downstream', 'Downstream')], default='internal', max_length=10)),
                ('reason_code', models.CharField(blank=True, help_text='The downtime reason it stands for, such as MAT_JAM.', max_length=40)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bits', to='telemetry.tag')),
            ],
            options={
                'ordering': ['tag', 'bit'],
                'constraints': [models.UniqueConstraint(fields=('tag', 'bit'), name='a bit has one meaning')],
            },
        ),
        migrations.CreateModel(
            name='Sample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('raw', models.FloatField(help_text='As the controller gave it, before scaling.', null=True)),
                ('value', models.FloatField(help_text='Engineering value; empty unless quality allows it.', null=True)),
                ('text', models.CharField(blank=True, help_text='Strings and arrays, as read.', max_length=400)),
                ('quality', models.CharField(choices=[('good', 'Good'), ('uncertain', 'Uncertain'), ('bad', 'Bad'), ('stale', 'Stale')], max_length=10)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('source_at', models.DateTimeField(help_text='When the controller answered.')),
                ('received_at', models.DateTimeField(help_text='When it was taken over.')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='samples', to='telemetry.tag')),
            ],
            options={
                'ordering': ['-source_at', '-pk'],
                'indexes': [models.Index(fields=['tag', 'source_at'], name='sample_tag_source_at')],
            },
        ),
        migrations.CreateModel(
            name='PlcLink',
            fields=[
                ('plc', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='link', serialize=False, to='telemetry.plc')),
                ('status', models.CharField(choices=[('connected', 'Connected'), ('lost', 'Lost'), ('disabled', 'Disabled')], default='lost', max_length=12)),
                ('since', models.DateTimeField(help_text='Since when it has this status.', null=True)),
                ('last_ok_at', models.DateTimeField(help_text='The last poll that it answered.', null=True)),
                ('last_try_at', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0, help_text='Polls failed in a row.')),
                ('error', models.TextField(blank=True, help_text='What the last failed poll said.')),
            ],
            options={
                'verbose_name': 'link',
            },
        ),
        migrations.CreateModel(
            name='TagLatest',
            fields=[
                ('raw', models.FloatField(help_text='As the controller gave it, before scaling.', null=True)),
                ('value', models.FloatField(help_text='Engineering value; empty unless quality allows it.', null=True)),
                ('text', models.CharField(blank=True, help_text='Strings and arrays, as read.', max_length=400)),
                ('quality', models.CharField(choices=[('good', 'Good'), ('uncertain', 'Uncertain'), ('bad', 'Bad'), ('stale', 'Stale')], max_length=10)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('source_at', models.DateTimeField(help_text='When the controller answered.')),
                ('received_at', models.DateTimeField(help_text='When it was taken over.')),
                ('tag', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='latest', serialize=False, to='telemetry.tag')),
            ],
            options={
                'verbose_name': 'latest reading',
            },
        ),
    ]
