"""By which rules the state of an equipment without a state word is told, and what nobody can tell."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from production.choices import State
from production.models import Equipment
from production.models.floor import DAY_S
from telemetry.choices import Role, RuleKind, WarningKind
from telemetry.models.plcs import Plc
from telemetry.models.stamps import StampField
from telemetry.models.tags import Tag


class StateRule(models.Model):
    """One rule of an equipment. They are asked in order, and the first that applies tells the state."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, related_name="state_rules"
    )
    position = models.PositiveIntegerField(help_text="The lowest is asked first.")
    when = models.CharField(max_length=16, choices=RuleKind.choices)
    number = models.BigIntegerField(
        null=True, blank=True, help_text="Mode word only: the number it shows."
    )
    above = models.FloatField(
        null=True,
        blank=True,
        help_text="Speed only; empty: the threshold of the equipment.",
    )
    cycles = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Count movement only: within so many cycles.",
    )
    cycle_s = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(DAY_S)],
        help_text="Count movement only: seconds a cycle; empty: the ideal cycle of the product.",
    )
    state = models.CharField(max_length=10, choices=State.choices)
    stamp = StampField()

    class Meta:
        ordering: ClassVar = ["equipment", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "position"], name="state rules are asked one by one"
            ),
            models.CheckConstraint(
                condition=~models.Q(when=RuleKind.MODE) | models.Q(number__isnull=False),
                name="a rule on the mode names its number",
            ),
            models.CheckConstraint(
                condition=~models.Q(when=RuleKind.COUNT) | models.Q(cycles__isnull=False),
                name="a rule on a counter says within how many cycles",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.get_when_display()}: {self.get_state_display()}"

    def clean(self) -> None:
        """Refuse a rule that lacks what it compares with, and one beside a state word, which counts more."""
        errors = {}
        if self.when == RuleKind.MODE and self.number is None:
            errors["number"] = "Which number of the mode word?"
        if self.when == RuleKind.COUNT and self.cycles is None:
            errors["cycles"] = "Within how many cycles?"
        words = Tag.objects.filter(
            equipment=self.equipment_id, role=Role.STATE_WORD, enabled=True
        )
        if self.equipment_id and words.exists():
            errors["equipment"] = "It has a state word, which tells its state without any rule."
        if errors:
            raise ValidationError(errors)


class ConfigurationWarning(models.Model):
    """What is wrong with a controller's configuration, until a person has seen to it.

    While its program has changed, no value of the controller counts: it stays `bad` until somebody
    has checked the tags and accepts the new program.
    """

    plc = models.ForeignKey(Plc, on_delete=models.CASCADE, related_name="warnings")
    tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="warnings"
    )
    kind = models.CharField(max_length=16, choices=WarningKind.choices)
    text = models.CharField(max_length=300, help_text="What is wrong, in a sentence.")
    since = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, help_text="Empty: it still stands.")
    settled_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-since", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tag"],
                condition=models.Q(settled_at__isnull=True, kind=WarningKind.UNKNOWN_STATE),
                name="unknown states of a tag are one warning",
            ),
            models.UniqueConstraint(
                fields=["plc"],
                condition=models.Q(settled_at__isnull=True, kind=WarningKind.PROGRAM_CHANGED),
                name="a changed program is one warning",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plc.code}: {self.text}"
