"""Beat's part of calls."""

from celery import shared_task

from andon import processor
from andon.periods import PERIODS_S
from ms5.processes.heartbeats import run_alone


@shared_task
def andon() -> int:
    """Return how many steps took effect."""
    return run_alone("andon", PERIODS_S["andon"], processor.andon)
