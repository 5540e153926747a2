"""Rules that raise calls, what each is watching, and how far the log has been read for them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from andon.choices import Category, Priority, RuleKind
from andon.models.calls import AndonCall
from production.models import Equipment, Line, Reason
from production.models.floor import DAY_S


class Rule(models.Model):
    """When the system raises a call by itself."""

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=14, choices=RuleKind.choices)
    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: every line.",
    )
    equipment = models.ForeignKey(
        Equipment,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: every equipment.",
    )
    message = models.CharField(
        max_length=100,
        blank=True,
        help_text="Of message bits: the code, such as Fault[31]; * stands for any characters.",
    )
    least_severity = models.CharField(
        max_length=10,
        choices=Priority.choices,
        default=Priority.HIGH,
        help_text="Of message bits: those below it raise nothing.",
    )
    reason = models.ForeignKey(
        Reason,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of message bits and stops: only this reason. Empty: any.",
    )
    category = models.CharField(
        max_length=12,
        choices=Category.choices,
        default=Category.MAINTENANCE,
        help_text="Where the reason does not say itself what it stands for.",
    )
    priority = models.CharField(
        max_length=10,
        choices=Priority.choices,
        blank=True,
        help_text="Empty: that of the message bit or the reason.",
    )
    text = models.CharField(
        max_length=200, blank=True, help_text="Said before what happened; may be empty."
    )
    delay_s = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(DAY_S)],
        help_text="Seconds it must last. Of a long stop: where its reason does not say how long.",
    )
    quiet_in_changeover = models.BooleanField(default=True)
    quiet_in_planned_stop = models.BooleanField(default=True)
    quiet_in_breaks = models.BooleanField(
        default=True, help_text="In breaks, and while the line is not scheduled."
    )
    quiet_behind_a_stop = models.BooleanField(
        default=True,
        help_text="For a starved or blocked equipment, while the one that it waits for stands.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["kind", "name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=RuleKind.values), name="a rule is of a known kind"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Watch(models.Model):
    """Something that lasts and that a rule looks at, from the facts of the log."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="watches")
    subject = models.CharField(max_length=80, help_text="Such as fault:12 or plc:PLC-BAG1.")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")
    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, null=True, related_name="+"
    )
    since = models.DateTimeField()
    due_at = models.DateTimeField(help_text="From then on it has lasted long enough.")
    category = models.CharField(max_length=12, choices=Category.choices)
    priority = models.CharField(max_length=10, choices=Priority.choices)
    text = models.CharField(max_length=500)
    call = models.ForeignKey(
        AndonCall, on_delete=models.SET_NULL, null=True, related_name="watches"
    )
    why = models.CharField(
        max_length=200, blank=True, help_text="Why it has raised nothing so far."
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-since", "-pk"]
        verbose_name_plural = "watches"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "subject", "line"],
                condition=Q(ended_at__isnull=True),
                name="a rule watches a subject once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=Q(ended_at__isnull=True, call__isnull=True),
                name="watch_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}"


class Cursor(models.Model):
    """How far a stream of the log has been read for the rules; positions are those of the epoch."""

    stream = models.CharField(max_length=64, unique=True)
    epoch = models.CharField(max_length=32)
    rules = models.CharField(
        max_length=64, blank=True, help_text="Digest of the rules that it was read by."
    )
    seq = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["stream"]

    def __str__(self) -> str:
        return f"{self.stream}@{self.seq}"
