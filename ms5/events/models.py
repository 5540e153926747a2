"""Tables of the log: streams with their heads, facts, and the latest value of each gauge."""

from typing import ClassVar

import uuid_utils.compat as uuid
from django.db import models


def new_epoch() -> str:
    """Return a name for a new life of the log, such as `e-3f9a1c`."""
    return f"e-{uuid.uuid4().hex[:12]}"


class Log(models.Model):
    """The one log there is. Its epoch changes when positions of before mean nothing any more."""

    epoch = models.CharField(max_length=32, default=new_epoch)
    created_at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=200, default="first start")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pk=1), name="there is one log"),
        ]
        verbose_name = "log"

    def __str__(self) -> str:
        return self.epoch


class Stream(models.Model):
    """What is numbered together: a line by its code, `plant`, or `sys`, which never leaves the server.

    `head` is the position of the newest fact, `tail` that of the oldest one kept; an empty stream has
    tail = head + 1. `gauge_head` is the version given to the newest gauge.
    """

    name = models.CharField(max_length=64, unique=True)
    head = models.BigIntegerField(default=0)
    tail = models.BigIntegerField(default=1)
    gauge_head = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(head__gte=models.F("tail") - 1) & models.Q(tail__gte=1),
                name="the tail of a stream lies at most one above its head",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.head}"


class Event(models.Model):
    """A fact. `text` is the JSON that goes over the wire, encoded once, when it was appended."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="events")
    seq = models.BigIntegerField()
    event_id = models.UUIDField(unique=True)
    type = models.CharField(max_length=40)
    line_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire, null here
    equipment_code = models.CharField(max_length=64, null=True)  # noqa: DJ001
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "seq"], name="a position of a stream is given once"
            ),
            models.CheckConstraint(
                condition=models.Q(seq__gte=1), name="positions begin at one"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["recorded_at"], name="event_recorded_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.seq}"


class Gauge(models.Model):
    """The latest value of a key, overwritten by a newer one, never by an older one."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="gauges")
    key = models.CharField(max_length=160)
    ver = models.BigIntegerField()
    type = models.CharField(max_length=40)
    line_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire, null here
    equipment_code = models.CharField(max_length=64, null=True)  # noqa: DJ001
    source_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "key"], name="a gauge has one latest value"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["stream", "ver"], name="gauge_stream_ver")]

    def __str__(self) -> str:
        return f"{self.key} v{self.ver}"
