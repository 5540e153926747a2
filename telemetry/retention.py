"""Old rows go, the oldest first, a few at a time."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

CHUNK = 5000
CHUNKS = 100


def prune(
    rows: QuerySet[Any],
    column: str,
    *,
    before: datetime,
    now: datetime,
    chunk: int = CHUNK,
    chunks: int = CHUNKS,
) -> int:
    """Drop the rows whose `column` is before a moment; return how many went, at most `chunk` x `chunks`.

    Keys rise with time, so that it ends at the first that are young, and needs no index on the time. Those
    of a time that is still to come were written while the clock was ahead: they stay, and say nothing of
    the age of what follows.
    """
    gone = 0
    for _ in range(chunks):
        past = rows.filter(**{f"{column}__lte": now}).order_by("pk")
        old = [key for key, at in past.values_list("pk", column)[:chunk] if at < before]
        if old:
            rows.filter(pk__lte=old[-1], **{f"{column}__lt": before}).delete()
            gone += len(old)
        if len(old) < chunk:
            break
    return gone
