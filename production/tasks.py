"""Beat's part of production."""

from collections.abc import Callable
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from ms5.processes.heartbeats import run_alone
from production import processors
from production.periods import PERIODS_S


def _alone(name: str, process: Callable[[datetime], int]) -> int:
    """Run it unless another is at it, which -1 tells."""
    return run_alone(name, PERIODS_S[name], lambda: process(timezone.now()))


@shared_task
def production() -> int:
    """Return how many lines' figures were said."""
    return _alone("production", processors.production)


@shared_task
def downtime() -> int:
    """Return how many downtimes began."""
    return _alone("downtime", processors.downtime)


@shared_task
def changeover() -> int:
    """Return how many changeovers went over their target."""
    return _alone("changeover", processors.changeover)


@shared_task
def job_progress() -> int:
    """Return how many jobs' progress was said."""
    return _alone("job_progress", processors.job_progress)


@shared_task
def oee() -> int:
    """Return how many figures were said."""
    return _alone("oee", processors.oee)


@shared_task
def quality() -> int:
    """Return how many alerts opened, changed or cleared."""
    return _alone("quality", processors.quality)
