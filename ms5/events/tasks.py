"""Beat's part of the log."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ms5.events.retention import prune


@shared_task
def retention() -> int:
    """Drop facts beyond their retention; return how many went."""
    return prune(
        now=timezone.now(),
        keep=timedelta(days=settings.EVENT_RETENTION_DAYS),
        keep_count=settings.EVENT_RETENTION_COUNT,
    )
