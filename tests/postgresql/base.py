"""Django's PostgreSQL, whose tables are emptied row by row after a test.

TRUNCATE makes new files for a hundred tables and their indexes, most of them empty already: 300 ms a test
where DELETE takes 3.
"""

from collections.abc import Sequence

from django.core.management.color import Style
from django.db.backends.postgresql import base, operations


class DatabaseOperations(operations.DatabaseOperations):
    """What is done otherwise than by Django's own."""

    def sql_flush(
        self,
        style: Style,
        tables: Sequence[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        """Return what empties the tables, whatever refers to them."""
        if reset_sequences:
            raise NotImplementedError("no test of ours asks for ids from one on")
        if not tables:
            return []
        deletes = " ".join(f"DELETE FROM {self.quote_name(each)};" for each in tables)  # noqa: S608 - our tables
        return [f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {deletes} END $$;"]


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that empties its tables that way."""

    ops_class = DatabaseOperations
