"""Changeovers that take longer than their target: announced once, as soon as time tells."""

import logging
from datetime import datetime

from django.db import OperationalError

from production.actions.changeovers import note_over_target
from production.choices import ChangeoverStatus
from production.models import Line

log = logging.getLogger(__name__)


def changeover(now: datetime) -> int:
    """Say which running changeovers are over their target; return how many became so.

    Idempotent: each is said once, at the moment of its target, by however many copies. A line that fails is
    logged and the others go on; then an ExceptionGroup says so.
    """
    failed: list[Exception] = []
    said = 0
    late = Line.objects.filter(
        changeovers__status=ChangeoverStatus.RUNNING,
        changeovers__target_s__isnull=False,
        changeovers__over_target_at__isnull=True,
    )
    for line in late:
        try:
            said += note_over_target(line, now)
        except OperationalError:  # the database, not the line
            raise
        except Exception as error:  # isolation between lines: raised below
            log.exception("a line's changeover failed", extra={"line": line.code})
            failed.append(error)
    if failed:
        raise ExceptionGroup("not every line was done", failed)
    return said
