"""Beat's part of the controllers: the polls, and the retention of samples."""

import threading
from datetime import timedelta

from celery import shared_task
from celery.signals import worker_shutdown
from django.conf import settings
from django.utils import timezone

from ms5 import memory
from telemetry import minutes
from telemetry.models import Sample, SampleMinute
from telemetry.poll import ELSEWHERE, PERIOD_S, Poll
from telemetry.retention import prune

HOPS = 3

_lock = threading.Lock()
_polls: dict[int, Poll] = {}


@shared_task
def poll(shard: int, hops: int = HOPS) -> int:
    """Tick a shard; return how many of its PLCs answered, or BUSY, or ELSEWHERE.

    With several poll workers, a tick that did not come to the one with the shard is passed on, at most
    `hops` times: else each of them would have the PLCs read half as often.
    """
    answered = _poll_of(shard).tick()
    if answered == ELSEWHERE and hops > 0:
        poll.apply_async((shard, hops - 1), queue="poll", expires=PERIOD_S)
    return answered


@shared_task
def prune_samples() -> int:
    """Drop samples beyond their retention; return how many went."""
    now = timezone.now()
    before = now - timedelta(days=settings.SAMPLE_RETENTION_DAYS)
    return prune(Sample.objects.all(), "received_at", before=before, now=now)


@shared_task
def roll_up_samples() -> int:
    """Sum the samples of the minutes that are over up; return how many minutes of tags were written."""
    return minutes.roll_up(timezone.now())


@shared_task
def prune_minutes() -> int:
    """Drop minutes beyond their retention; return how many went."""
    now = timezone.now()
    before = now - timedelta(days=settings.MINUTE_RETENTION_DAYS)
    return prune(SampleMinute.objects.all(), "minute", before=before, now=now)


def _poll_of(shard: int) -> Poll:
    """Return this process's polling of a shard, which keeps its connections from tick to tick."""
    with _lock:
        if shard not in _polls:
            _polls[shard] = Poll(shard, rewired=memory.settle)
        return _polls[shard]


@worker_shutdown.connect
def _let_go(**_: object) -> None:
    """Free the PLCs and the shards at once when the worker ends in an orderly way."""
    with _lock:
        while _polls:
            _polls.popitem()[1].close()
