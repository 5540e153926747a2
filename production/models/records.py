"""What happens to an equipment: its condition, spans, counts, faults and context."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from production.choices import CountKind, Decision, Severity, Source, State
from production.models.corrections import Superseded
from production.models.floor import Equipment, IdealCycle, Product
from production.querysets import (
    CountQuerySet,
    FaultQuerySet,
    LiveManager,
    SpanQuerySet,
    TallyQuerySet,
)


class Condition(models.Model):
    """The present of an equipment, locked first by every action on it.

    `last_good_at` is the source time of the last good reading. `state_read_at` is that of the last one that
    told the state: a span ends there when readings stop. They differ only where two controllers feed one
    equipment, or none tells its state.
    """

    equipment = models.OneToOneField(
        Equipment, on_delete=models.CASCADE, primary_key=True, related_name="condition"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.NO_DATA)
    since = models.DateTimeField(
        null=True, help_text="When the state began; empty before any data."
    )
    stopped_since = models.DateTimeField(
        null=True,
        help_text="When the present stop began, whatever its states; empty while it runs.",
    )
    previous = models.CharField(
        max_length=10,
        choices=State.choices,
        blank=True,
        help_text="The state before; empty for the first.",
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why, in a sentence.")
    last_good_at = models.DateTimeField(null=True)
    state_read_at = models.DateTimeField(
        null=True, help_text="The last good reading that told the state."
    )
    quality = models.CharField(max_length=10, default="bad")
    trouble = models.CharField(
        max_length=200,
        blank=True,
        help_text="Why the last reading was bad; empty if it was not.",
    )
    speed = models.FloatField(null=True, help_text="Pieces a minute at the last good reading.")
    product_number = models.IntegerField(
        null=True, help_text="The product by the controller's number, as last read."
    )
    changeover_bit = models.BooleanField(
        null=True, help_text="The controller's changeover bit as last read; empty if none is."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=State.values),
                name="an equipment is in a known state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment}: {self.get_state_display()}"


class Span(Superseded):
    """A stay in one state, half open. Spans of an equipment never overlap and leave no hole."""

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="spans")
    state = models.CharField(max_length=10, choices=State.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="Empty while it lasts.")
    reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar = LiveManager.from_queryset(SpanQuerySet)()

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment"],
                condition=models.Q(ended_at__isnull=True, superseded_by__isnull=True),
                name="an equipment is in one state at a time",
            ),
            models.UniqueConstraint(
                fields=["equipment", "started_at"],
                condition=models.Q(superseded_by__isnull=True),
                name="one span begins at a time",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True)
                | models.Q(ended_at__gt=models.F("started_at")),
                name="a span ends after it began",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="a span is in a known state"
            ),
            # That spans do not overlap is an exclusion constraint or a trigger (migration span_no_overlap).
        ]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "ended_at"], name="span_equipment_ended")
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.state} from {self.started_at:%H:%M:%S}"


class Count(Superseded):
    """An increment, never a running total, with what was decided about it.

    Made in `(after, at]`. `measured` is false for pieces that a counter showed after a gap: they are
    pieces of the job and the shift, and enter neither P, Q nor OEE. `counters` are the kinds that counters
    counted in that time, whichever are there today: by them the pieces are good ones, rejects or all.
    """

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="counts")
    kind = models.CharField(max_length=10, choices=CountKind.choices)
    quantity = models.BigIntegerField()
    after = models.DateTimeField(
        null=True, help_text="The reading before; empty for a baseline."
    )
    at = models.DateTimeField()
    idle_since = models.DateTimeField(
        null=True,
        help_text="The last reading by which a piece had been made, where one in between saw none.",
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    ideal_cycle = models.ForeignKey(
        IdealCycle, on_delete=models.PROTECT, null=True, related_name="+"
    )
    job = models.ForeignKey(
        "production.Job", on_delete=models.SET_NULL, null=True, related_name="counts"
    )
    defect = models.ForeignKey(
        "production.Defect",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Why it was rejected; empty: nobody has said.",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who entered it; empty: a counter did.",
    )
    measured = models.BooleanField(default=True)
    decision = models.CharField(
        max_length=10, choices=Decision.choices, default=Decision.COUNTED
    )
    value_before = models.BigIntegerField(null=True)
    value = models.BigIntegerField(null=True, help_text="What the counter showed.")
    counters = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text="The kinds that counters counted then; empty: none did, people enter the pieces.",
    )

    objects: ClassVar = LiveManager.from_queryset(CountQuerySet)()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(quantity__gte=0), name="an increment is not negative"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "at"], name="count_equipment_at"),
            models.Index(
                fields=["equipment", "at"],
                condition=models.Q(idle_since__isnull=False),
                name="count_after_a_pause",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.kind} +{self.quantity}"


class Tally(models.Model):
    """Pieces of a quarter of an hour: the increments added up, so that a day is cheap to read.

    Quarters begin at :00, :15, :30 and :45 UTC, which every time zone's hours can be made of. Pieces that a
    counter showed after a gap are kept apart, as in `Count.measured`.
    """

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="tallies")
    started_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=CountKind.choices)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+")
    ideal_cycle = models.ForeignKey(
        IdealCycle, on_delete=models.PROTECT, null=True, related_name="+"
    )
    job = models.ForeignKey(
        "production.Job", on_delete=models.CASCADE, null=True, related_name="tallies"
    )
    measured = models.BooleanField(default=True)
    counters = models.CharField(
        max_length=20, blank=True, default="", help_text="As in the counts."
    )
    quantity = models.BigIntegerField()

    objects = TallyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-started_at"]
        verbose_name_plural = "tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "equipment",
                "started_at",
                "kind",
                Coalesce("product", 0),
                Coalesce("ideal_cycle", 0),
                Coalesce("job", 0),
                "measured",
                "counters",
                name="a quarter is tallied once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.kind} {self.quantity}"


class TimeTally(models.Model):
    """Microseconds of a quarter of an hour by bucket, of time that is settled.

    The sum of the buckets is the quarter. Stops are counted in the quarter where they began, slow cycles in
    that in which they ended, with what they took beyond the ideal cycle.
    """

    equipment = models.ForeignKey(
        Equipment, on_delete=models.CASCADE, related_name="time_tallies"
    )
    started_at = models.DateTimeField()
    not_scheduled_us = models.BigIntegerField(default=0)
    planned_us = models.BigIntegerField(default=0)
    no_data_us = models.BigIntegerField(default=0)
    failure_us = models.BigIntegerField(default=0)
    adjustment_us = models.BigIntegerField(default=0)
    idling_us = models.BigIntegerField(default=0)
    changeover_us = models.BigIntegerField(default=0)
    small_stop_us = models.BigIntegerField(default=0)
    running_us = models.BigIntegerField(default=0)
    small_stops = models.PositiveIntegerField(default=0)
    stops = models.PositiveIntegerField(default=0)
    slow_cycles = models.PositiveIntegerField(default=0)
    slow_us = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        verbose_name_plural = "time tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "started_at"], name="a quarter's time is tallied once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.started_at:%H:%M}"


class Settlement(models.Model):
    """Up to when the time of an equipment is tallied: whole quarters that only a correction can change."""

    equipment = models.OneToOneField(
        Equipment, on_delete=models.CASCADE, primary_key=True, related_name="settlement"
    )
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.equipment} until {self.until:%H:%M}"


class Fault(models.Model):
    """A fault message of an equipment, from its rise to its end."""

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="faults")
    code = models.CharField(max_length=100, help_text="Tag and bit, such as Fault[31].")
    text = models.CharField(max_length=200)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    source = models.CharField(max_length=10, choices=Source.choices)
    reason_code = models.CharField(max_length=40, blank=True)
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    first_out = models.BooleanField(default=False, help_text="The first fault of its stop.")

    objects = FaultQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-raised_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["equipment", "code"],
                condition=models.Q(cleared_at__isnull=True),
                name="a fault is open once",
            ),
            models.CheckConstraint(
                condition=models.Q(cleared_at__isnull=True)
                | models.Q(cleared_at__gte=models.F("raised_at")),
                name="a fault clears after it rose",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "cleared_at"], name="fault_equipment_cleared")
        ]

    def __str__(self) -> str:
        return f"{self.equipment}: {self.text}"


class ContextFields(models.Model):
    """What a person or a PLC says about an equipment."""

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    target_speed = models.FloatField(
        null=True, blank=True, help_text="Pieces a minute; empty: the ideal cycle says."
    )
    planned_stop = models.BooleanField(default=False)
    planned_stop_reason = models.CharField(max_length=100, blank=True)

    class Meta:
        abstract = True


class Context(ContextFields):
    """The context of an equipment now."""

    equipment = models.OneToOneField(
        Equipment, on_delete=models.CASCADE, primary_key=True, related_name="context"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(target_speed__isnull=True) | models.Q(target_speed__gt=0),
                name="a target speed is above zero",
            ),
        ]

    def __str__(self) -> str:
        return f"context of {self.equipment}"


class ContextChange(ContextFields):
    """What the context became, when, and by whom; empty `actor` is a PLC."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, related_name="context_changes"
    )
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["equipment", "at"], name="context_change_equipment_at")
        ]

    def __str__(self) -> str:
        return f"context of {self.equipment} at {self.at:%H:%M:%S}"
