"""Changeovers that take longer than their target: announced once, as soon as time tells."""

import logging
from datetime import datetime

from production.actions.changeovers import note_over_target
from production.choices import ChangeoverStatus
from production.isolation import each_alone, raise_failed
from production.models import Line

log = logging.getLogger(__name__)


def changeover(now: datetime) -> int:
    """Say which running changeovers are over their target; return how many became so.

    Idempotent: each is said once, at the moment of its target, by however many copies. A line that fails is
    logged and the others go on; then an ExceptionGroup says so.
    """
    late = Line.objects.filter(
        changeovers__status=ChangeoverStatus.RUNNING,
        changeovers__target_s__isnull=False,
        changeovers__over_target_at__isnull=True,
    )
    said, failed = each_alone(
        late,
        lambda line: note_over_target(line, now),
        lambda line: {"line": line.code},
        log,
        "a line's changeover failed",
    )
    raise_failed(failed, "not every line was done")
    return said
