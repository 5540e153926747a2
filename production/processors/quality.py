"""What only time can tell of quality: a figure that a window has moved beyond its threshold, or back."""

import logging
from datetime import datetime

from django.db.models import Q

from ms5.database import reading
from production.actions.quality import needs_watch, watch
from production.isolation import each_alone, raise_failed
from production.models import QualityThreshold

log = logging.getLogger(__name__)


def quality(now: datetime) -> int:
    """Let every threshold's alert follow its figure; return how many opened, changed or cleared.

    Idempotent: a second copy finds what the first has written. A threshold that fails is logged and the
    others go on; then an ExceptionGroup says so.
    """
    thresholds = (
        QualityThreshold.objects.filter(
            Q(is_active=True) | Q(alerts__isnull=False, alerts__cleared_at__isnull=True)
        )
        .select_related("line", "equipment")
        .order_by("line", "pk")
        .distinct()
    )
    changed, failed = each_alone(
        thresholds,
        lambda threshold: _follow(threshold, now),
        lambda threshold: {"threshold": threshold.pk},
        log,
        "a quality threshold failed",
    )
    raise_failed(failed, "not every quality threshold was done")
    return changed


def _follow(threshold: QualityThreshold, now: datetime) -> int:
    # Most of the time nothing changes, and then nobody waits for a lock.
    with reading():
        is_due = needs_watch(threshold, now)
    return watch(threshold.pk, now) if is_due else 0
