"""What only time can tell: a silence that has lasted too long, and the figures of the last second."""

import logging
from datetime import datetime

from django.db import OperationalError

from ms5.database import reading
from ms5.events.log import gauge, recording
from production.actions import silence
from production.figures import production_update
from production.models import Line

log = logging.getLogger(__name__)


def production(now: datetime) -> int:
    """Lose the equipment that fell silent, then say the figures of every line; return how many lines.

    Idempotent: of two ticks the later `now` stays. A line that fails is logged and the others go on; then
    an ExceptionGroup says so.
    """
    failed: list[Exception] = []
    said = 0
    try:
        silence(now)
    except ExceptionGroup as broken:  # logged where it happened; the figures must still go out
        failed.append(broken)
    for line in Line.objects.select_related("area__site"):
        try:
            _say(line, now)
            said += 1
        except OperationalError:  # the database, not the line
            raise
        except Exception as error:  # isolation between lines: raised below
            log.exception("a line's figures failed", extra={"line": line.code})
            failed.append(error)
    if failed:
        raise ExceptionGroup("not every line was done", failed)
    return said


def _say(line: Line, now: datetime) -> None:
    # The figures are read without holding the write lock; only the gauge is written under it.
    with reading():
        data = production_update(line, now)
    with recording():
        gauge(
            "production_update",
            data,
            key=f"production:{line.code}",
            source_at=now,
            line_id=line.code,
        )
