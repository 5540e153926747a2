"""Tags: values in controllers, what they say about an equipment, and what their bits mean."""

from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from production.choices import MessageKind, Severity, Source
from production.models import Equipment
from production.models.floor import DAY_S
from telemetry.choices import BYTE_ORDERS, DATA_TYPES, DeadbandKind, Numbering, Role
from telemetry.drivers import base
from telemetry.models.plcs import Plc
from telemetry.models.stamps import StampField
from telemetry.roles import bit_error, role_error
from telemetry.validation import (
    address_error,
    modulus_error,
    scale_error,
    state_map_error,
)


class TagQuerySet(models.QuerySet["Tag"]):
    """Reads of tags that chain."""

    def playing_a_role(self) -> Self:
        """Keep the enabled tags that say something about an equipment."""
        return self.filter(enabled=True, equipment__isnull=False).exclude(role=Role.NONE)


class Tag(models.Model):
    """A value in a controller, what it says about an equipment, and how it is kept."""

    plc = models.ForeignKey(Plc, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    address = models.CharField(
        max_length=200,
        help_text="Logix: the tag's name. Modbus: holding:100, input:7, coil:3, discrete:9, holding:100.3.",
    )
    data_type = models.CharField(max_length=10, choices=DATA_TYPES)
    length = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="Elements of an array, else 1."
    )
    byte_order = models.CharField(
        max_length=4,
        choices=BYTE_ORDERS,
        default=base.ByteOrder.ABCD.value,
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
        help_text='State and mode words: raw number to state, such as {"1": "running"}.',
    )
    numbering = models.CharField(
        max_length=12,
        choices=Numbering.choices,
        default=Numbering.OWN,
        blank=True,
        help_text="State words only: PackML's states need no map; what the map names counts more.",
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
    deadband_kind = models.CharField(
        max_length=8, choices=DeadbandKind.choices, default=DeadbandKind.ABSOLUTE
    )
    longest_interval_s = models.FloatField(
        default=60,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="Stored at least this often.",
    )
    period_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(DAY_S)],
        help_text="Seconds between two reads; empty: as its PLC says.",
    )
    phase_s = models.FloatField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="Seconds by which its reads come after those of phase 0.",
    )
    enabled = models.BooleanField(default=True)
    imported_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When a file last told of it; empty: a person made it.",
    )
    stamp = StampField()

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
        typed = self.data_type in set(base.DataType) and self.byte_order in set(base.ByteOrder)
        if self.plc_id and typed and (wrong := address_error(self.plc.protocol, self.spec)):
            errors["address"] = wrong
        if wrong := role_error(self.role, self.data_type, self.length):
            errors["role"] = wrong
        if wrong := state_map_error(self.role, self.state_map, self.numbering):
            errors["state_map"] = wrong
        if wrong := scale_error(self.role, self.scale):
            errors["scale"] = wrong
        elif wrong := modulus_error(self.modulus, self.scale):
            errors["modulus"] = wrong
        if (
            self.plc_id
            and self.equipment_id
            and self.role != Role.NONE
            and (wrong := self.plc.parted_error(self.equipment_id))
        ):
            errors["equipment"] = wrong
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
    stamp = StampField()

    class Meta:
        ordering: ClassVar = ["tag", "bit"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag", "bit"], name="a bit has one meaning"),
        ]

    def __str__(self) -> str:
        return f"{self.tag.name}[{self.bit}] {self.text}"

    def clean(self) -> None:
        """Refuse a bit that its tag has not."""
        # A form that has refused the tag, its length or the bit still comes here, without.
        tag = getattr(self, "tag", None)
        if tag is None or tag.length is None or self.bit is None:
            return
        if wrong := bit_error(tag.name, tag.data_type, tag.length, self.bit):
            raise ValidationError({"bit": f"{wrong}."})
