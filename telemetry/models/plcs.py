"""Controllers that are polled, and whether they answer."""

import re
from collections.abc import Mapping
from typing import ClassVar, assert_never

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from production.models.floor import CODE
from telemetry.address import AddressError, parse_serial
from telemetry.choices import LinkStatus, Protocol, Role
from telemetry.drivers import base
from telemetry.models.stamps import StampField
from telemetry.reach import reach_error
from telemetry.route import parse_route

HOST = RegexValidator(
    r"\A(?!.*\.\.)([0-9A-Za-z:]([0-9A-Za-z_.:-]*[0-9A-Za-z:])?|/dev/[0-9A-Za-z_./-]+)\Z",
    "A host is a name or an IP address, such as plc7.packing or 10.1.2.3; "
    "a serial line is a device, such as /dev/ttyUSB0.",
)
_PARTED = "{other} reads the same equipment in shard {shard}; one task must read them both."
_LINE = "{other} is on the same line in shard {shard}; one task must read them both."
_TOGETHER = "An action in the list of controllers moves them together."
_NO_DEVICE = "Only Modbus RTU is spoken on a serial line; write a name or an IP address."
_SPEAKING = [role for role in Role if role != Role.NONE]
_COM = re.compile(r"COM[0-9]{1,3}")
_PROTOCOLS: Mapping[Protocol, base.ProtocolName] = {
    Protocol.LOGIX: "logix",
    Protocol.SLC: "slc",
    Protocol.MODBUS_TCP: "modbus_tcp",
    Protocol.MODBUS_RTU: "modbus_rtu",
    Protocol.MODBUS_RTU_TCP: "modbus_rtu_tcp",
}


class Plc(models.Model):
    """A controller that is polled, and only read: no driver here can write."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE])
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=16, choices=Protocol.choices)
    host = models.CharField(
        max_length=253,
        validators=[HOST],
        help_text="Name or IP address; of a serial line its device, such as /dev/ttyUSB0.",
    )
    port = models.PositiveIntegerField(
        default=44818,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="44818 for EtherNet/IP, 502 for Modbus TCP; of no matter on a serial line.",
    )
    path = models.CharField(
        max_length=100, blank=True, help_text="Logix only: slot or CIP path; empty for slot 0."
    )
    serial = models.CharField(
        max_length=16,
        blank=True,
        help_text="Serial lines only: bits a second, data bits, parity, stop bits. Empty: 19200 8E1.",
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
    max_gap = models.PositiveIntegerField(
        default=16,
        validators=[MaxValueValidator(125)],
        help_text="Unwanted registers or words that may be read along to save a request.",
    )
    max_block = models.PositiveIntegerField(
        default=125,
        validators=[MinValueValidator(1), MaxValueValidator(125)],
        help_text="Modbus only: registers in one request; 1 for devices that answer single ones only.",
    )
    pause_ms = models.FloatField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(1000)],
        help_text="Milliseconds of rest between an answer and the next request.",
    )
    max_requests_per_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1)],
        help_text="It is asked no more often than this; its polls are stretched instead. Empty: no cap.",
    )
    max_bytes_per_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="The same for the bytes both ways.",
    )
    shard = models.PositiveIntegerField(
        default=0,
        help_text="Which poll task reads it, modulo MS5_POLL_SHARDS. PLCs of one equipment share one.",
    )
    enabled = models.BooleanField(default=True)
    stamp = StampField()

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
        """Refuse what its protocol has not, and a shard apart from PLCs it shares a line or equipment with."""
        errors = {}
        is_serial = self.protocol == Protocol.MODBUS_RTU
        if is_serial != (self.host.startswith("/dev/") or bool(_COM.fullmatch(self.host))):
            errors["host"] = (
                "A serial line is a device, such as /dev/ttyUSB0." if is_serial else _NO_DEVICE
            )
        elif not is_serial and (unreached := self._reach_error()):
            errors["host"] = unreached
        try:
            parse_serial(self.serial)
        except AddressError as wrong:
            errors["serial"] = str(wrong)
        try:
            # The others have none, and what stands there is never looked at.
            if self.protocol in {Protocol.LOGIX, Protocol.SLC}:
                parse_route(self.path)
        except AddressError as wrong:
            errors["path"] = str(wrong)
        others = Plc.objects.exclude(pk=self.pk)
        parted = others.filter(
            tags__equipment__tags__plc=self.pk, tags__role__in=_SPEAKING
        ).exclude(shard=self.shard)
        if other := parted.first():
            errors["shard"] = f"{_PARTED.format(other=other, shard=other.shard)} {_TOGETHER}"
        if (same := self.same_line()) is not None:
            line = others.filter(same)
            if other := line.exclude(shard=self.shard).first():
                errors["shard"] = f"{_LINE.format(other=other, shard=other.shard)} {_TOGETHER}"
            elif (
                "serial" not in errors
                and is_serial
                and (other := line.exclude(serial=self.serial).first())
            ):
                errors["serial"] = (
                    f"{other} on the same line has {other.serial or 'the default'}."
                )
        if errors:
            raise ValidationError(errors)

    def same_line(self) -> models.Q | None:
        """Return what is on its serial line or behind its RTU gateway, itself too; None if it is on neither."""
        # A form that has refused the protocol itself still comes here, with any.
        if self.protocol not in {Protocol.MODBUS_RTU, Protocol.MODBUS_RTU_TCP}:
            return None
        line = models.Q(protocol=self.protocol, host=self.host)
        is_serial = self.protocol == Protocol.MODBUS_RTU
        return line if is_serial else line & models.Q(port=self.port)

    def parted_error(self, equipment_id: int) -> str:
        """Say why none of its tags can play a role for the equipment; empty when they can.

        One task reads all that an equipment is told by, and a task reads the controllers of its shard.
        """
        speaking = Plc.objects.filter(
            tags__equipment=equipment_id, tags__role__in=_SPEAKING
        ).exclude(shard=self.shard)
        other = speaking.first()
        return _PARTED.format(other=other, shard=other.shard) if other else ""

    def _reach_error(self) -> str:
        # A form that has refused the port itself still comes here, with any or none.
        port: object = self.port
        is_port = isinstance(port, int) and 1 <= port <= 0xFFFF
        return reach_error(self.host, self.port) if is_port else ""

    @property
    def endpoint(self) -> base.Endpoint:
        """Return where and how a driver reaches it."""
        options: dict[str, int] = {}
        match Protocol(self.protocol):
            case Protocol.LOGIX:
                pass
            case Protocol.SLC:
                options = {"max_gap": self.max_gap}
            case Protocol.MODBUS_TCP | Protocol.MODBUS_RTU | Protocol.MODBUS_RTU_TCP:
                options = {"max_gap": self.max_gap, "max_registers": self.max_block}
            case unknown:
                assert_never(unknown)
        return base.Endpoint(
            protocol=_PROTOCOLS[Protocol(self.protocol)],
            host=self.host,
            port=self.port,
            path=self.path,
            timeout_s=self.timeout_s,
            pause_s=self.pause_ms / 1000,
            serial=self.serial,
            options=options,
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
    load = models.CharField(
        max_length=200, blank=True, help_text="How far its polls are stretched by its caps."
    )
    period_s = models.FloatField(
        null=True, help_text="How often it is read by its tags and caps, seconds."
    )
    program = models.CharField(
        max_length=200,
        blank=True,
        help_text="A mark of the program that was last read from it.",
    )

    class Meta:
        verbose_name = "link"

    def __str__(self) -> str:
        return f"{self.plc}: {self.get_status_display()}"
