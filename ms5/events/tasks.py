"""Beat's part of the log."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ms5.events.log import SYS
from ms5.events.retention import prune

# What the server told itself is of no use an hour later.
_KEEP_SYS = timedelta(hours=1)
_KEEP_SYS_COUNT = 100


@shared_task
def retention() -> int:
    """Drop facts beyond their retention; return how many went."""
    now = timezone.now()
    of_all = prune(
        now=now,
        keep=timedelta(days=settings.EVENT_RETENTION_DAYS),
        keep_count=settings.EVENT_RETENTION_COUNT,
    )
    return of_all + prune(now=now, keep=_KEEP_SYS, keep_count=_KEEP_SYS_COUNT, stream=SYS)
