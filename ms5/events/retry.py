"""Retry a whole idempotent action when the database chose it as the victim."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

_DEADLOCK, _SERIALIZATION = "40P01", "40001"


def _is_transient(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    return state in {_DEADLOCK, _SERIALIZATION} or "database is locked" in str(error)


def retried(action: Callable[P, T]) -> Callable[P, T]:
    """Run the action up to four times on a deadlock, a serialization failure or a locked SQLite.

    Only for an action that opens its own transaction and can be said again without harm. Within another
    action it runs once: the transaction that failed is the outer one's, which retries.
    """

    @wraps(action)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            return action(*args, **kwargs)
        for attempt in range(3):
            try:
                return action(*args, **kwargs)
            except OperationalError as error:
                if not _is_transient(error):
                    raise
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter
        return action(*args, **kwargs)

    return run
