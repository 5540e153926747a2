"""What the engines differ in: reads as of one moment, and how many values a query takes."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connections, transaction

_reading: ContextVar[bool] = ContextVar("ms5_reading", default=False)
# SQLite takes a limited number of values in one query.
_CHUNK = 500

Value = TypeVar("Value")


class SnapshotRouter:
    """Send the reads of a `reading()` block to its own connection; there is one database."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "snapshot" if _reading.get() else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


@contextmanager
def reading() -> Iterator[None]:
    """Read everything in the block as of one moment.

    PostgreSQL: REPEATABLE READ. SQLite: a DEFERRED transaction, since IMMEDIATE would take the
    write lock. Inside an open transaction of the default connection the block reads through that one
    instead, so that an action sees what it has just written.
    """
    if _reading.get() or connections["default"].in_atomic_block:
        yield
        return
    token = _reading.set(True)
    try:
        with transaction.atomic(using="snapshot"):
            yield
    finally:
        _reading.reset(token)


def chunks(values: Collection[Value], size: int = _CHUNK) -> Iterator[list[Value]]:
    """Yield the values in lists of at most `size`, each short enough for one query if none is said."""
    ordered = list(values)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
