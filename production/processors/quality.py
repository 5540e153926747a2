"""What only time can tell of quality: a figure that a window has moved beyond its threshold, or back."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from ms5.database import reading
from production.actions.quality import need_watch, watch
from production.isolation import raise_failed, together_or_alone
from production.models import QualityThreshold

log = logging.getLogger(__name__)


def quality(now: datetime) -> int:
    """Let every threshold's alert follow its figure; return how many opened, changed or cleared.

    Idempotent: a second copy finds what the first has written. All are looked at together, for the sake of the
    database; when that fails they go one by one: one that fails is logged and the others go on, then an
    ExceptionGroup says so.
    """
    thresholds = (
        QualityThreshold.objects.filter(
            Q(is_active=True) | Q(alerts__isnull=False, alerts__cleared_at__isnull=True)
        )
        .select_related("line", "equipment")
        .order_by("line", "pk")
        .distinct()
    )
    changed, failed = together_or_alone(
        list(thresholds),
        lambda some: _follow(some, now),
        lambda threshold: {"threshold": threshold.pk},
        log,
        "a quality threshold failed",
    )
    raise_failed(failed, "not every quality threshold was done")
    return changed


def _follow(thresholds: Sequence[QualityThreshold], now: datetime) -> int:
    # Most of the time nothing changes, and then nobody waits for a lock.
    with reading():
        due = need_watch(thresholds, now)
    return sum(watch(threshold.pk, now) for threshold in due)
