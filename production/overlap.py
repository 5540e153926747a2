"""Rows of an equipment whose times may not overlap, and that hold: the SQL of both databases.

An exclusion constraint on PostgreSQL, triggers on SQLite. On SQLite whatever remakes the table drops its
triggers and must make them again.
"""

from collections.abc import Callable
from typing import Any

# Of rows that a correction has superseded nothing is demanded.
LIVE = "superseded_by_id IS NULL"


def _postgresql(table: str, name: str) -> list[str]:
    # A range of one number stands in for `=`, which GiST would need the extension btree_gist for.
    return [
        f"""
        ALTER TABLE {table} ADD CONSTRAINT "{name}" EXCLUDE USING gist (
            int8range(equipment_id, equipment_id, '[]') WITH &&,
            tstzrange(started_at, ended_at, '[)') WITH &&
        ) WHERE ({LIVE})
        """
    ]


def _trigger(table: str, name: str, verb: str, itself: str) -> str:
    # Two lookups by index: the rows that end after the new one begins, and the one that lasts.
    # Times are stored as text of which a shorter one (no fraction) sorts first, so they compare as times.
    # A row without length (a merged one) overlaps nothing.
    begins_before_its_end = "(NEW.ended_at IS NULL OR other.started_at < NEW.ended_at)"
    other = (
        f"SELECT 1 FROM {table} other WHERE other.equipment_id = NEW.equipment_id"  # noqa: S608 - our own names
        f" AND other.{LIVE} {itself}"
    )
    lasts = "(other.ended_at > other.started_at AND other.ended_at > NEW.started_at)"
    return f"""
    CREATE TRIGGER "{name} ({verb.split(maxsplit=1)[0].lower()})" BEFORE {verb} ON {table}
    WHEN NEW.{LIVE} AND (NEW.ended_at IS NULL OR NEW.ended_at > NEW.started_at)
      AND (EXISTS ({other} AND {lasts} AND {begins_before_its_end})
        OR EXISTS ({other} AND other.ended_at IS NULL AND {begins_before_its_end}))
    BEGIN
        SELECT RAISE(ABORT, '{name}');
    END
    """


def _sqlite(table: str, name: str) -> list[str]:
    columns = "equipment_id, started_at, ended_at, superseded_by_id"
    return [
        _trigger(table, name, "INSERT", ""),
        _trigger(table, name, f"UPDATE OF {columns}", "AND other.id <> OLD.id"),
    ]


def refuse(table: str, name: str) -> Callable[[Any, Any], None]:
    """Return what makes the database refuse overlaps."""

    def run(_apps: Any, editor: Any) -> None:
        sql = {"postgresql": _postgresql, "sqlite": _sqlite}[editor.connection.vendor]
        for statement in sql(table, name):
            editor.execute(statement, params=None)

    return run


def allow(table: str, name: str) -> Callable[[Any, Any], None]:
    """Return what takes the refusal back."""

    def run(_apps: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(
                f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"', params=None
            )
        else:
            for verb in ("insert", "update"):
                editor.execute(f'DROP TRIGGER IF EXISTS "{name} ({verb})"', params=None)

    return run
