"""Who is told of what by which way, and where programs and people are reached."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from andon.choices import Channel, ContactKind, DeliveryState, EndpointKind, Priority
from andon.models.escalations import EscalationStep
from production.models import Line


class Endpoint(models.Model):
    """A named address that calls are sent to, whoever is told: a signed webhook, a chat room."""

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=10, choices=EndpointKind.choices)
    address = models.CharField(max_length=500)
    secret = models.CharField(max_length=200, blank=True, help_text="Signs what is sent.")
    is_active = models.BooleanField(default=True)
    lines = models.ManyToManyField(
        Line, blank=True, related_name="+", help_text="None: every line."
    )
    categories = models.JSONField(default=list, blank=True, help_text="None: every category.")
    least_priority = models.CharField(
        max_length=10, choices=Priority.choices, default=Priority.LOW
    )
    last_ok_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """Where a person is reached. Without an e-mail of their own it is that of the account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts"
    )
    kind = models.CharField(max_length=10, choices=ContactKind.choices)
    address = models.CharField(max_length=500)
    is_active = models.BooleanField(default=True)
    last_ok_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row.")

    class Meta:
        ordering: ClassVar = ["user", "kind", "pk"]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()}"


class Delivery(models.Model):
    """A notification to one recipient by one channel, written with the step that causes it.

    The log itself carries what is `live`: such a row is written as sent.
    """

    step = models.ForeignKey(
        EscalationStep, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    address = models.CharField(
        max_length=500, blank=True, help_text="Of a person, as it was when the step fired."
    )
    key = models.CharField(
        max_length=80,
        unique=True,
        help_text="step:recipient:channel; receivers tell repeats by it.",
    )
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=120, blank=True)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    called_at = models.DateTimeField(
        null=True, help_text="When the call about its death was raised, or seen to be no use."
    )
    error = models.CharField(max_length=300, blank=True)
    message_key = models.CharField(
        max_length=80, blank=True, help_text="The message it left in; several may share one."
    )
    payload = models.JSONField(default=dict, help_text="What is told, as of the step.")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values),
                name="a delivery is in a known state",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=False) | ~Q(state=DeliveryState.SENT),
                name="a delivery that was sent says when",
            ),
            models.CheckConstraint(
                condition=Q(dead_at__isnull=False) | ~Q(state=DeliveryState.DEAD),
                name="a delivery that is dead says when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=[DeliveryState.PENDING, DeliveryState.SENDING]),
                name="delivery_due",
            ),
            models.Index(
                fields=["dead_at"],
                condition=Q(state=DeliveryState.DEAD, called_at__isnull=True),
                name="delivery_dead",
            ),
        ]

    def __str__(self) -> str:
        return self.key
