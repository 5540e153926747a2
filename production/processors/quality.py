"""What only time can tell of quality: a figure that a window has moved beyond its threshold, or back."""

import logging
from datetime import datetime

from django.db import OperationalError
from django.db.models import Q

from ms5.database import reading
from production.actions.quality import needs_watch, watch
from production.models import QualityThreshold

log = logging.getLogger(__name__)


def quality(now: datetime) -> int:
    """Let every threshold's alert follow its figure; return how many opened, changed or cleared.

    Idempotent: a second copy finds what the first has written. A threshold that fails is logged and the
    others go on; then an ExceptionGroup says so.
    """
    failed: list[Exception] = []
    changed = 0
    thresholds = (
        QualityThreshold.objects.filter(
            Q(is_active=True) | Q(alerts__isnull=False, alerts__cleared_at__isnull=True)
        )
        .select_related("line", "equipment")
        .order_by("line", "pk")
        .distinct()
    )
    for threshold in thresholds:
        try:
            # Most of the time nothing changes, and then nobody waits for a lock.
            with reading():
                is_due = needs_watch(threshold, now)
            if is_due:
                changed += watch(threshold.pk, now)
        except OperationalError:  # the database, not the threshold
            raise
        except Exception as error:  # isolation between thresholds, and so lines: raised below
            log.exception("a quality threshold failed", extra={"threshold": threshold.pk})
            failed.append(error)
    if failed:
        raise ExceptionGroup("not every quality threshold was done", failed)
    return changed
