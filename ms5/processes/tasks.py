"""Beat's part of watching over ourselves."""

from celery import shared_task

from ms5.processes.canary import PERIOD_S, sing
from ms5.processes.heartbeats import run_alone


@shared_task
def canary() -> int:
    """Write a canary to the log; return how many were written, -1 if another is at it."""
    return run_alone("canary", PERIOD_S, sing)
