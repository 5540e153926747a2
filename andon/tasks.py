"""Beat's part of calls."""

from celery import shared_task

from andon import processor, sending
from andon.periods import PERIODS_S
from ms5.processes.heartbeats import run_alone


@shared_task
def andon() -> int:
    """Return how many steps took effect."""
    return run_alone("andon", PERIODS_S["andon"], processor.andon)


@shared_task
def deliveries() -> int:
    """Return how many deliveries have begun to leave; they go on in threads of the worker."""
    return run_alone("deliveries", PERIODS_S["deliveries"], sending.send_due)
