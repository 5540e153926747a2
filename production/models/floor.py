"""The plant in ISA-95's terms: site, area, line, equipment; products and their ideal cycles."""

import zoneinfo
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower

from production.choices import OeeMethod
from production.querysets import EquipmentQuerySet, IdealCycleQuerySet, LineQuerySet

CODE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
    "A code has up to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or digit.",
)
# A threshold beyond a day is a slip of the finger, and far beyond it no length of time at all.
DAY_S = 86_400
RESERVED = ("all", "plant", "sys", "me")


def not_reserved(value: str) -> None:
    """Refuse the words that mean something in a subscription target."""
    if value.lower() in RESERVED:
        raise ValidationError(f"'{value}' is a reserved word; choose another code.")


def known_time_zone(value: str) -> None:
    """Refuse what is not an IANA time zone."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"'{value}' is not a time zone such as Europe/Berlin.")


class Site(models.Model):
    """A plant at one place, with the time zone its shifts live in."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE])
    name = models.CharField(max_length=100)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[known_time_zone],
        help_text="Such as Europe/Berlin.",
    )

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class Area(models.Model):
    """A part of a site, such as packing."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="areas")
    code = models.CharField(max_length=64, validators=[CODE])
    name = models.CharField(max_length=100)

    class Meta:
        ordering: ClassVar = ["site", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "code"], name="an area's code is unique in its site"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} / {self.name}"


class Line(models.Model):
    """A production line (ISA-95 work center). Its code names its stream and never changes."""

    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="lines")
    code = models.CharField(
        max_length=64,
        unique=True,
        validators=[CODE, not_reserved],
        help_text="Names the line for programs, such as L-BAG1. It never changes.",
    )
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0, help_text="Order on the overview.")
    oee_method = models.CharField(
        max_length=10,
        choices=OeeMethod.choices,
        default=OeeMethod.CONSTRAINT,
        verbose_name="OEE method",
        help_text="Whose figures are the line's.",
    )
    no_data_is_stop = models.BooleanField(
        default=False,
        verbose_name="no data is a stop",
        help_text="Whether time that nobody measured counts as an unplanned stop.",
    )
    changeover_good_needed = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1)],
        help_text="Good pieces in a row of the new product that end a changeover.",
    )

    objects = LineQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("code"), name="line codes differ in more than case"),
            models.CheckConstraint(
                condition=~models.Q(code__in=RESERVED),
                name="a line's code is not a reserved word",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Equipment(models.Model):
    """A work unit of a line: what has states and counts. Its code is a dotted path and never changes."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="equipment")
    code = models.CharField(
        max_length=64,
        unique=True,
        validators=[CODE, not_reserved],
        help_text="A dotted path, such as BP01.PACK.BAG1. It never changes.",
    )
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(
        default=0, help_text="Order in the flow of the line."
    )
    is_constraint = models.BooleanField(
        default=False, help_text="The line's figures are those of its constraint."
    )
    running_above = models.FloatField(
        default=0,
        validators=[MinValueValidator(0)],
        help_text="Pieces a minute above which the speed counts as running, if no bit or state word tells.",
    )
    slow_after_s = models.FloatField(
        default=5,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="Seconds between two pieces after which a cycle is slow.",
    )
    stop_after_s = models.FloatField(
        default=120,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="Seconds after which a stop is a downtime and no longer a micro-stop.",
    )
    no_data_after_s = models.FloatField(
        default=3,
        validators=[MinValueValidator(0.1), MaxValueValidator(DAY_S)],
        help_text="Seconds without a good reading after which nothing is known: three poll periods.",
    )

    objects = EquipmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["line", "position", "code"]
        verbose_name_plural = "equipment"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"],
                condition=models.Q(is_constraint=True),
                name="a line has one constraint",
            ),
            models.CheckConstraint(
                condition=models.Q(slow_after_s__lte=models.F("stop_after_s"))
                & models.Q(stop_after_s__lte=DAY_S),
                name="slow cycles are shorter than stops and both within a day",
            ),
            models.CheckConstraint(
                condition=models.Q(no_data_after_s__gt=0)
                & models.Q(no_data_after_s__lte=DAY_S),
                name="silence is longer than nothing and at most a day",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """What is made (ISA-95 material definition)."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE])
    name = models.CharField(max_length=100)
    plc_number = models.IntegerField(
        null=True,
        blank=True,
        unique=True,
        help_text="The number by which controllers name it; empty if none does.",
    )

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class IdealCycle(models.Model):
    """Ideal cycle time (ISO 22400 PRI) of a product on an equipment, from a date. There is no default."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, related_name="ideal_cycles"
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="ideal_cycles")
    seconds = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        help_text="Seconds per piece, exact: 0.6 is 100 a minute.",
    )
    effective_from = models.DateTimeField(help_text="Holds from here until the next one.")
    slow_after_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="For this product; empty: that of the equipment.",
    )
    stop_after_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(DAY_S)],
        help_text="For this product; empty: that of the equipment.",
    )

    objects = IdealCycleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["equipment", "product", "-effective_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "product", "effective_from"],
                name="one ideal cycle takes effect at a time",
            ),
            models.CheckConstraint(
                condition=models.Q(seconds__gt=0), name="an ideal cycle takes time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} on {self.equipment}: {self.seconds.normalize():f} s"


class PastThreshold(models.Model):
    """What stops that began in [since, until) are judged by, since it was changed at `until` or later.

    Without a product it is that of the equipment; without seconds a product had none of its own.
    """

    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, related_name="past_thresholds"
    )
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, related_name="past_thresholds"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    stop_after_s = models.FloatField(null=True)

    class Meta:
        ordering: ClassVar = ["equipment", "product", "since"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "since"],
                condition=models.Q(product__isnull=True),
                name="a past threshold of an equipment begins once",
            ),
            models.UniqueConstraint(
                fields=["equipment", "product", "since"],
                name="a past threshold of a product begins once",
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("since")),
                name="a past threshold held for a time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment}: {self.stop_after_s} s until {self.until:%Y-%m-%d %H:%M}"
