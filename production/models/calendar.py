"""When a site produces: shifts with breaks, and the days that are different; wall clock of the site."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from production.choices import ExceptionKind
from production.models.floor import Line, Site
from production.overlapping import overlap
from production.shifts import Pattern, Pause, wrong_breaks

WEEKDAYS = RegexValidator(
    r"\A1?2?3?4?5?6?7?\Z", "Days are digits in order, 1 for Monday to 7 for Sunday."
)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Shift(models.Model):
    """A shift that recurs on days of the week. It is of the day on which it begins.

    A line that has shifts of its own has none of its site's. A site without any is scheduled all the time.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="shifts")
    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="shifts",
        help_text="Empty: for every line of the site that has no shifts of its own.",
    )
    name = models.CharField(max_length=60)
    weekdays = models.CharField(
        max_length=7,
        default="1234567",
        validators=[WEEKDAYS],
        help_text="On which days it begins: 1 is Monday, 7 is Sunday; 12345 is Monday to Friday.",
    )
    starts = models.TimeField(help_text="Wall clock of the site.")
    ends = models.TimeField(
        help_text="Wall clock of the site; not after the start means the next day."
    )
    first_day = models.DateField(null=True, blank=True, help_text="Empty: always has.")
    last_day = models.DateField(null=True, blank=True, help_text="Empty: until further notice.")

    class Meta:
        ordering: ClassVar = ["site", "line", "starts", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(weekdays=""), name="a shift begins on some day"
            ),
            models.CheckConstraint(
                condition=Q(first_day__isnull=True)
                | Q(last_day__isnull=True)
                | Q(last_day__gte=F("first_day")),
                name="a shift's last day is not before its first",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.starts:%H:%M}-{self.ends:%H:%M}"

    def clean(self) -> None:
        """Refuse a line of another site, an end before the beginning, and time that another shift has."""
        _of_its_site(self.site_id, self.line)
        _in_order(self.first_day, self.last_day)
        # Of a form with wrong fields some are empty here.
        if None not in {self.site_id, self.starts, self.ends}:
            self._clean_overlap()

    def _clean_overlap(self) -> None:
        others = Shift.objects.filter(site=self.site_id, line=self.line_id)
        own = _pattern(self)
        for other in others.exclude(pk=self.pk):
            if overlap(own, _pattern(other)):
                days = ", ".join(DAYS[int(day) - 1] for day in other.weekdays)
                raise ValidationError(
                    {
                        "starts": f"{other} of {other.line or other.site} ({days}) has time of this shift:"
                        " let one end where the other begins."
                    }
                )

    def clean_breaks(self, breaks: "Iterable[Break]") -> None:
        """Refuse breaks that overlap, or lie outside of the shift. They need not be saved."""
        pauses = [Pause(each.name, each.starts, each.ends) for each in breaks]
        if wrong := wrong_breaks(self.starts, self.ends, pauses):
            raise ValidationError(wrong)


class Break(models.Model):
    """Time within a shift in which nothing is planned to be produced."""

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="breaks")
    name = models.CharField(max_length=60, default="Break")
    starts = models.TimeField(
        help_text="Wall clock; the first such time after the shift began."
    )
    ends = models.TimeField()

    class Meta:
        ordering: ClassVar = ["shift", "starts"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(starts=F("ends")), name="a break takes time"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.starts:%H:%M}-{self.ends:%H:%M}"


class CalendarException(models.Model):
    """Days that differ: a holiday takes shifts away, overtime adds time, no demand plans a stop."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="exceptions")
    line = models.ForeignKey(
        Line,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="exceptions",
        help_text="Empty: for every line of the site.",
    )
    kind = models.CharField(max_length=10, choices=ExceptionKind.choices)
    name = models.CharField(max_length=60)
    first_day = models.DateField()
    last_day = models.DateField()
    starts = models.TimeField(
        null=True, blank=True, help_text="Wall clock on each of the days; empty: the whole day."
    )
    ends = models.TimeField(
        null=True, blank=True, help_text="Not after the start means the next day."
    )

    class Meta:
        ordering: ClassVar = ["-first_day", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="an exception's last day is not before its first",
            ),
            models.CheckConstraint(
                condition=Q(starts__isnull=True, ends__isnull=True)
                | Q(starts__isnull=False, ends__isnull=False),
                name="an exception has both times or none",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ExceptionKind.values),
                name="an exception is of a known kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.first_day}"

    def clean(self) -> None:
        """Refuse a line of another site, one time without the other, and an end before the beginning."""
        _of_its_site(self.site_id, self.line)
        if (self.starts is None) != (self.ends is None):
            missing = "starts" if self.starts is None else "ends"
            raise ValidationError({missing: "Say both times, or none for the whole day."})
        _in_order(self.first_day, self.last_day)


def _pattern(shift: Shift) -> Pattern:
    return Pattern(
        name=shift.name,
        weekdays=frozenset(int(day) for day in shift.weekdays if day in "1234567"),
        starts=shift.starts,
        ends=shift.ends,
        first_day=shift.first_day,
        last_day=shift.last_day,
    )


def _of_its_site(site_id: int | None, line: Line | None) -> None:
    if line is not None and site_id is not None and line.area.site_id != site_id:
        raise ValidationError({"line": f"{line} is not of this site."})


def _in_order(first_day: date | None, last_day: date | None) -> None:
    if first_day is not None and last_day is not None and last_day < first_day:
        raise ValidationError({"last_day": "The last day is before the first."})
