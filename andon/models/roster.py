"""Who is on call when, by the wall clock of the site."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from production.models import Line, Shift, Site
from production.models.calendar import WEEKDAYS


class Duty(models.Model):
    """A named roster, such as "maintenance on call"."""

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "duties"

    def __str__(self) -> str:
        return self.name


class RosterEntry(models.Model):
    """A person has a duty in a shift, or between two times of the wall clock, on days of the week."""

    duty = models.ForeignKey(Duty, on_delete=models.CASCADE, related_name="entries")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="duties"
    )
    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: every site.",
    )
    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: every line.",
    )
    shift = models.ForeignKey(
        Shift,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="In this shift; else between the two times.",
    )
    weekdays = models.CharField(
        max_length=7,
        default="1234567",
        validators=[WEEKDAYS],
        help_text="On which days it begins: 1 is Monday, 7 is Sunday.",
    )
    starts = models.TimeField(null=True, blank=True, help_text="Wall clock of the line's site.")
    ends = models.TimeField(
        null=True, blank=True, help_text="Not after the start means the next day."
    )
    first_day = models.DateField(null=True, blank=True, help_text="Empty: always has.")
    last_day = models.DateField(null=True, blank=True, help_text="Empty: until further notice.")

    class Meta:
        ordering: ClassVar = ["duty", "pk"]
        verbose_name = "roster entry"
        verbose_name_plural = "roster"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(shift__isnull=False, starts__isnull=True, ends__isnull=True)
                | Q(shift__isnull=True, starts__isnull=False, ends__isnull=False),
                name="a roster entry has a shift or two times",
            ),
            models.CheckConstraint(
                condition=~Q(weekdays=""), name="a roster entry begins on some day"
            ),
            models.CheckConstraint(
                condition=Q(first_day__isnull=True)
                | Q(last_day__isnull=True)
                | Q(last_day__gte=F("first_day")),
                name="a roster entry's last day is not before its first",
            ),
        ]

    def __str__(self) -> str:
        when = self.shift or f"{self.starts:%H:%M}-{self.ends:%H:%M}"
        return f"{self.person}: {self.duty}, {when}"

    def clean(self) -> None:
        """Refuse both a shift and times, or neither, a line of another site, and days out of order."""
        times = [self.starts, self.ends]
        if self.shift_id is None and None in times:
            raise ValidationError({"starts": "Choose a shift, or say both times."})
        if self.shift_id is not None and times != [None, None]:
            raise ValidationError({"starts": "A shift has its own times: leave these empty."})
        if (
            self.line is not None
            and self.site is not None
            and self.line.area.site_id != self.site_id
        ):
            raise ValidationError({"line": f"{self.line} is not of this site."})
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValidationError({"last_day": "The last day is before the first."})
