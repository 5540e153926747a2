"""Every few seconds: settle what is certain, then say the OEE of every line and its equipment."""

import logging
from collections.abc import Sequence
from datetime import datetime

from ms5.database import reading
from ms5.events.log import recording
from ms5.events.retry import retried
from production.gauges import say_oee
from production.isolation import raise_failed, together_or_alone
from production.models import Line
from production.oee_updates import updates
from production.settling import settle

log = logging.getLogger(__name__)


def oee(now: datetime) -> int:
    """Return how many figures were said; idempotent: of two ticks the later `now` stays.

    All lines together, for the sake of the database. When that fails they go one by one: a line that fails is
    logged and the others go on, then an ExceptionGroup says so.
    """
    failed: list[Exception] = []
    try:
        settle(now)
    except ExceptionGroup as broken:  # logged where it happened; the figures must still go out
        failed.append(broken)
    said, alone = together_or_alone(
        list(Line.objects.all()),
        lambda lines: _say(lines, now),
        lambda line: {"line": line.code},
        log,
        "a line's OEE failed",
    )
    raise_failed([*failed, *alone], "not every line was done")
    return said


@retried
def _say(lines: Sequence[Line], now: datetime) -> int:
    # The figures are read without holding the write lock; only the gauges are written under it.
    with reading():
        said = list(updates(lines, now))
    with recording():
        say_oee(said, now)
    return len(said)
