"""Beat's part of production."""

from celery import shared_task
from django.utils import timezone

from ms5.processes.heartbeats import run_alone
from production import processors


@shared_task
def production() -> int:
    """Run the production processor; return how many lines were said, -1 if another is at it."""
    return run_alone("production", 1.0, lambda: processors.production(timezone.now()))
