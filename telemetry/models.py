"""Controllers, their links and tags, what message bits mean, and the samples kept."""

from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from production.choices import MessageKind, Severity, Source
from production.models import Equipment
from production.models.floor import CODE, DAY_S
from telemetry.choices import ByteOrder, DataType, LinkStatus, Protocol, Quality, Role
from telemetry.drivers import base
from telemetry.validation import address_error, modulus_error, role_error, state_map_error

HOST = RegexValidator(
    r"\A(?!.*\.\.)[0-9A-Za-z:]([0-9A-Za-z_.:-]*[0-9A-Za-z:])?\Z",
    "A host is a name or an IP address, such as plc7.packing or 10.1.2.3.",
)


class Plc(models.Model):
    """A controller that is polled, and only read: no driver here can write."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE])
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=12, choices=Protocol.choices)
    host = models.CharField(max_length=253, validators=[HOST], help_text="Name or IP address.")
    port = models.PositiveIntegerField(
        default=44818,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="44818 for EtherNet/IP, 502 for Modbus TCP.",
    )
    path = models.CharField(
        max_length=100, blank=True, help_text="Logix only: slot or CIP path; empty for slot 0."
    )
    poll_period_s = models.FloatField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds between two polls, one or more.",
    )
    timeout_s = models.FloatField(
        default=1,
        validators=[MinValueValidator(0.05), MaxValueValidator(30)],
        help_text="Seconds within which one whole exchange must be over.",
    )
    shard = models.PositiveIntegerField(
        default=0,
        help_text="Which poll task reads it, modulo MS5_POLL_SHARDS. PLCs of one equipment share one.",
    )
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(
        auto_now=True, help_text="An edit later than the worker's last look is picked up."
    )

    class Meta:
        ordering: ClassVar = ["code"]
        verbose_name = "PLC"
        verbose_name_plural = "PLCs"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(poll_period_s__gt=0, poll_period_s__lte=3600)
                & models.Q(timeout_s__gt=0, timeout_s__lte=30),
                name="a poll is due within the hour and over within half a minute",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a shard that would part this PLC from another one of the same equipment."""
        parted = Plc.objects.filter(
            tags__in=Tag.objects.sharing_equipment_with(self) if self.pk else []
        )
        if other := parted.exclude(pk=self.pk).exclude(shard=self.shard).first():
            raise ValidationError({"shard": _SHARD.format(other=other, shard=other.shard)})

    @property
    def endpoint(self) -> base.Endpoint:
        """Return where and how a driver reaches it."""
        return base.Endpoint(
            protocol="logix" if self.protocol == Protocol.LOGIX else "modbus_tcp",
            host=self.host,
            port=self.port,
            path=self.path,
            timeout_s=self.timeout_s,
        )


_SHARD = "{other} reads the same equipment in shard {shard}; one task must read them both."


class PlcLink(models.Model):
    """Whether a controller answers, as of the last poll."""

    plc = models.OneToOneField(
        Plc, on_delete=models.CASCADE, primary_key=True, related_name="link"
    )
    status = models.CharField(
        max_length=12, choices=LinkStatus.choices, default=LinkStatus.LOST
    )
    since = models.DateTimeField(null=True, help_text="Since when it has this status.")
    last_ok_at = models.DateTimeField(null=True, help_text="The last poll that it answered.")
    last_try_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="Polls failed in a row.")
    error = models.TextField(blank=True, help_text="What the last failed poll said.")

    class Meta:
        verbose_name = "link"

    def __str__(self) -> str:
        return f"{self.plc}: {self.get_status_display()}"


class TagQuerySet(models.QuerySet["Tag"]):
    """Reads of tags that chain."""

    def playing_a_role(self) -> Self:
        """Keep the enabled tags that say something about an equipment."""
        return self.filter(enabled=True, equipment__isnull=False).exclude(role=Role.NONE)

    def sharing_equipment_with(self, plc: Plc) -> Self:
        """Keep the tags of any PLC that speak of an equipment this PLC speaks of too."""
        return self.filter(equipment__tags__plc=plc).exclude(role=Role.NONE)


class Tag(models.Model):
    """A value in a controller, what it says about an equipment, and how it is kept."""

    plc = models.ForeignKey(Plc, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=80)
    address = models.CharField(
        max_length=200,
        help_text="Logix: the tag's name. Modbus: holding:100, input:7, coil:3, discrete:9, holding:100.3.",
    )
    data_type = models.CharField(max_length=10, choices=DataType.choices)
    length = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="Elements of an array, else 1."
    )
    byte_order = models.CharField(
        max_length=4,
        choices=ByteOrder.choices,
        default=ByteOrder.ABCD,
        help_text="Modbus only.",
    )
    device_id = models.PositiveIntegerField(
        default=1,
        validators=[MaxValueValidator(255)],
        help_text="Modbus only: the unit behind the address.",
    )
    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, null=True, blank=True, related_name="tags"
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.NONE)
    scale = models.FloatField(default=1, help_text="Engineering value = raw x scale + offset.")
    offset = models.FloatField(default=0)
    unit = models.CharField(max_length=20, blank=True)
    state_map = models.JSONField(
        default=dict,
        blank=True,
        help_text='State words only: raw number to state, such as {"1": "running"}.',
    )
    modulus = models.BigIntegerField(
        null=True, blank=True, help_text="Counters only: the value at which it rolls over to 0."
    )
    max_per_minute = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Counters only: the fastest it can count; a larger step is not believed.",
    )
    count_after_reset = models.BooleanField(
        default=True, help_text="Counters only: after a reset, count what it shows."
    )
    deadband = models.FloatField(
        default=0,
        validators=[MinValueValidator(0)],
        help_text="A change of at most this is not stored.",
    )
    longest_interval_s = models.FloatField(
        default=60,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="Stored at least this often.",
    )
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["plc", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["plc", "name"], name="a tag's name is unique in its PLC"
            ),
            models.UniqueConstraint(
                fields=["equipment", "role"],
                condition=models.Q(equipment__isnull=False, enabled=True)
                & ~models.Q(role__in=[Role.NONE, Role.MESSAGE_BITS]),
                name="a role of an equipment is played by one tag",
            ),
            models.CheckConstraint(
                condition=models.Q(role=Role.NONE) | models.Q(equipment__isnull=False),
                name="a role needs an equipment",
            ),
            models.CheckConstraint(
                condition=models.Q(longest_interval_s__gte=0, longest_interval_s__lte=DAY_S),
                name="a tag is stored once a day at least",
            ),
            models.CheckConstraint(
                condition=models.Q(modulus__isnull=True) | models.Q(modulus__gt=0),
                name="a modulus is above zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plc.code} {self.name}"

    def clean(self) -> None:
        """Refuse what the PLC's protocol cannot read, what cannot play its role, and unknown states."""
        errors = {}
        # A form that has refused the type itself still comes here, with none.
        typed = self.data_type in DataType.values and self.byte_order in ByteOrder.values
        if self.plc_id and typed and (wrong := address_error(self.plc.protocol, self.spec)):
            errors["address"] = wrong
        if wrong := role_error(self.role, self.data_type, self.length):
            errors["role"] = wrong
        if wrong := state_map_error(self.role, self.state_map):
            errors["state_map"] = wrong
        if wrong := modulus_error(self.modulus, self.scale):
            errors["modulus"] = wrong
        if self.plc_id and self.equipment_id and self.role != Role.NONE:
            beside = Plc.objects.filter(tags__equipment=self.equipment_id)
            if other := beside.exclude(shard=self.plc.shard).first():
                errors["equipment"] = _SHARD.format(other=other, shard=other.shard)
        if errors:
            raise ValidationError(errors)

    @property
    def spec(self) -> base.TagSpec:
        """Return what a driver must know of it."""
        return base.TagSpec(
            address=self.address,
            data_type=base.DataType(self.data_type),
            length=self.length,
            word_order=base.ByteOrder(self.byte_order),
            device_id=self.device_id,
        )


class MessageBit(models.Model):
    """What a bit of a message array means. Any bit is not a fault: real arrays hold prompts and status."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="bits")
    bit = models.PositiveIntegerField()
    text = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    severity = models.CharField(
        max_length=10, choices=Severity.choices, default=Severity.MEDIUM
    )
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.INTERNAL)
    reason_code = models.CharField(
        max_length=40,
        blank=True,
        help_text="The downtime reason it stands for, such as MAT_JAM.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["tag", "bit"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag", "bit"], name="a bit has one meaning"),
        ]

    def __str__(self) -> str:
        return f"{self.tag.name}[{self.bit}] {self.text}"


class Reading(models.Model):
    """A value with its quality and both times; `value` for numbers and bits, `text` for the rest."""

    raw = models.FloatField(null=True, help_text="As the controller gave it, before scaling.")
    value = models.FloatField(
        null=True, help_text="Engineering value; empty unless quality allows it."
    )
    text = models.CharField(
        max_length=400, blank=True, help_text="Strings and arrays, as read."
    )
    quality = models.CharField(max_length=10, choices=Quality.choices)
    error = models.CharField(max_length=300, blank=True)
    source_at = models.DateTimeField(help_text="When the controller answered.")
    received_at = models.DateTimeField(help_text="When it was taken over.")

    class Meta:
        abstract = True


class TagLatest(Reading):
    """The newest sample of a tag, a few seconds late at most: its value has not moved since."""

    tag = models.OneToOneField(
        Tag, on_delete=models.CASCADE, primary_key=True, related_name="latest"
    )

    class Meta:
        verbose_name = "latest reading"

    def __str__(self) -> str:
        return f"{self.tag}: {self.value if self.value is not None else self.text}"


class Sample(Reading):
    """A reading that was kept: its value moved beyond the deadband, its quality changed, or it was time."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="samples")

    class Meta:
        ordering: ClassVar = ["-source_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["tag", "source_at"], name="sample_tag_source_at")
        ]

    def __str__(self) -> str:
        return f"{self.tag} at {self.source_at:%H:%M:%S}"
