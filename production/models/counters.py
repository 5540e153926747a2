"""Where the counters of equipment stand: what their next readings are compared with."""

from typing import ClassVar

from django.db import models

from production.choices import CountKind
from production.models.floor import Equipment
from production.observation import SOURCE_ROOM


class Counter(models.Model):
    """Where a counter of an equipment stood when it was last read."""

    equipment = models.ForeignKey(Equipment, on_delete=models.CASCADE, related_name="counters")
    kind = models.CharField(max_length=10, choices=CountKind.choices)
    value = models.BigIntegerField()
    read_at = models.DateTimeField()
    moved_at = models.DateTimeField(
        null=True, help_text="The last reading by which it had counted; empty if nobody knows."
    )
    away_from = models.BigIntegerField(
        null=True,
        help_text="Where it stood before it went to zero, or jumped, until it moves again.",
    )
    begins_anew = models.BooleanField(
        default=False,
        help_text="Its next value is a baseline: by now it may count something else.",
    )
    source = models.CharField(
        max_length=SOURCE_ROOM,
        blank=True,
        default="",
        help_text="A mark of the tag that it was read by; under another one it is another counter.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "kind"], name="an equipment has one counter of a kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.kind}: {self.value}"
