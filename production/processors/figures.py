"""What only time can tell: a silence that has lasted too long, and the figures of the last second."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import OperationalError

from ms5.database import reading
from ms5.events.log import gauge, recording
from ms5.events.retry import retried
from production.actions import silence
from production.figures import production_updates
from production.models import Line

log = logging.getLogger(__name__)


def production(now: datetime) -> int:
    """Lose the equipment that fell silent, then say the figures of every line; return how many lines.

    Idempotent: of two ticks the later `now` stays. All lines together, for the sake of the database; when that
    fails they go one by one: a line that fails is logged and the others go on, then an ExceptionGroup says so.
    """
    failed: list[Exception] = []
    try:
        silence(now)
    except ExceptionGroup as broken:  # logged where it happened; the figures must still go out
        failed.append(broken)
    lines = list(Line.objects.all())
    try:
        said = _say(lines, now)
    except OperationalError:  # the database, not a line
        raise
    except Exception:  # noqa: BLE001 - each line is done again below, and what fails is logged there
        said = 0
        for line in lines:
            try:
                said += _say([line], now)
            except OperationalError:
                raise
            except Exception as error:  # isolation between lines: raised below
                log.exception("a line's figures failed", extra={"line": line.code})
                failed.append(error)
    if failed:
        raise ExceptionGroup("not every line was done", failed)
    return said


@retried
def _say(lines: Sequence[Line], now: datetime) -> int:
    # The figures are read without holding the write lock; only the gauges are written under it.
    with reading():
        updates = production_updates(lines, now)
    with recording():
        for line in lines:
            gauge(
                "production_update",
                updates[line.pk],
                key=f"production:{line.code}",
                source_at=now,
                line_id=line.code,
            )
    return len(lines)
