"""What only time can tell: a silence that has lasted too long, and the figures of the last second."""

import logging
from collections.abc import Sequence
from datetime import datetime

from ms5.database import reading
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import silence
from production.figures import production_updates
from production.gauges import say_production
from production.isolation import raise_failed, together_or_alone
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
    said, alone = together_or_alone(
        list(Line.objects.all()),
        lambda lines: _say(lines, now),
        lambda line: {"line": line.code},
        log,
        "a line's figures failed",
    )
    raise_failed([*failed, *alone], "not every line was done")
    return said


@retried
def _say(lines: Sequence[Line], now: datetime) -> int:
    # The figures are read without holding the write lock; only the gauges are written under it.
    with reading():
        updates = production_updates(lines, now)
    with recording():
        for line in lines:
            say_production(line, updates[line.pk], now)
    return len(lines)
