"""Controllers that are polled, and whether they answer."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from production.models.floor import CODE
from telemetry.choices import LinkStatus, Protocol, Role
from telemetry.drivers import base

HOST = RegexValidator(
    r"\A(?!.*\.\.)[0-9A-Za-z:]([0-9A-Za-z_.:-]*[0-9A-Za-z:])?\Z",
    "A host is a name or an IP address, such as plc7.packing or 10.1.2.3.",
)
PARTED = "{other} reads the same equipment in shard {shard}; one task must read them both."


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
        speaking = set(Role) - {Role.NONE}
        parted = Plc.objects.filter(
            tags__equipment__tags__plc=self.pk, tags__role__in=speaking
        ).exclude(pk=self.pk)
        if other := parted.exclude(shard=self.shard).first():
            raise ValidationError({"shard": PARTED.format(other=other, shard=other.shard)})

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
