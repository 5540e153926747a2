"""Beat's part of accounts."""

from celery import shared_task
from django.utils import timezone

from ms5.accounts.idempotency import prune


@shared_task
def prune_answers() -> int:
    """Forget answers whose keys nobody will use again; return how many."""
    return prune(timezone.now())
