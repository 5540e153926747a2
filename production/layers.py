"""Rows of many windows in one query each: every window has an owner, a beginning and an end of its own.

Django's ORM joins no list of values, and a query for each window would cost as many as there are windows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from ms5.database import chunks
from ms5.rows import time_adapter
from production.models import Span

# Before and after any data.
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC)

_WANTED = "WITH wanted(number, owner, since, until) AS ({values})"
_LISTED = "SELECT * FROM unnest(%b::int[], %b::bigint[], %b::timestamptz[], %b::timestamptz[])"

# The row in force at `since` is the last that began by then; with it, all that began until `until`.
# CROSS JOIN keeps SQLite from turning the join around, and MATERIALIZED from looking again for every row.
_IN_FORCE = """,
bounded AS MATERIALIZED (
    SELECT number, owner, until, COALESCE((
        SELECT b.{at} FROM {table} b WHERE b.{owner} = wanted.owner AND b.{at} <= wanted.since {live}
        ORDER BY b.{at} DESC LIMIT 1
    ), wanted.since) AS since
    FROM wanted
)
SELECT w.number, {columns} FROM bounded w CROSS JOIN {table} t {joined}
WHERE t.{owner} = w.owner AND t.{at} >= w.since AND t.{at} < w.until {live_t}
ORDER BY w.number, t.{at}, t.id
"""

# From the last running span that began by `since` to the first that begins at or after `until`: so the stops
# across both ends are whole.
_SPANS = """,
bounded AS MATERIALIZED (
    SELECT number, owner, COALESCE((
        SELECT b.started_at FROM production_span b
        WHERE b.equipment_id = wanted.owner AND b.superseded_by_id IS NULL AND b.state = 'running'
            AND b.started_at <= wanted.since
        ORDER BY b.started_at DESC LIMIT 1
    ), {first}) AS since, COALESCE((
        SELECT b.started_at FROM production_span b
        WHERE b.equipment_id = wanted.owner AND b.superseded_by_id IS NULL AND b.state = 'running'
            AND b.started_at >= wanted.until
        ORDER BY b.started_at LIMIT 1
    ), {last}) AS until
    FROM wanted
)
SELECT w.number, t.id, t.state, t.started_at, t.ended_at
FROM bounded w CROSS JOIN production_span t
WHERE t.equipment_id = w.owner AND t.superseded_by_id IS NULL
    AND t.started_at >= w.since AND t.started_at < w.until
ORDER BY w.number, t.started_at
"""

_COUNTS = """
SELECT w.number, t.kind, t.counters, t.product_id, t.ideal_cycle_id, t.measured, SUM(t.quantity)
FROM wanted w CROSS JOIN production_count t
WHERE t.equipment_id = w.owner AND t.at > w.since AND t.at <= w.until
    AND t.superseded_by_id IS NULL AND t.quantity > 0
GROUP BY w.number, t.kind, t.counters, t.product_id, t.ideal_cycle_id, t.measured
"""

# What a cycle took beyond the ideal one is known to the microsecond: ideal cycles have six decimals.
_PAUSES = """
SELECT w.number, t.idle_since, t.at, t.product_id, c.seconds
FROM wanted w CROSS JOIN production_count t
LEFT JOIN production_idealcycle c ON c.id = t.ideal_cycle_id
WHERE t.equipment_id = w.owner AND t.at > w.since AND t.at <= w.until AND t.idle_since IS NOT NULL
    AND t.superseded_by_id IS NULL AND t.quantity > 0 AND t.measured
ORDER BY w.number, t.at
"""

_TALLIES = """
SELECT w.number, t.kind, t.counters, t.product_id, t.ideal_cycle_id, t.measured, SUM(t.quantity)
FROM wanted w CROSS JOIN production_tally t
WHERE t.equipment_id = w.owner AND t.started_at >= w.since AND t.started_at < w.until
GROUP BY w.number, t.kind, t.counters, t.product_id, t.ideal_cycle_id, t.measured
"""

_INCREMENTS = """
SELECT w.number, t.at, t.kind, t.counters, t.product_id, t.quantity
FROM wanted w CROSS JOIN production_count t
WHERE t.equipment_id = w.owner AND t.at > w.since AND t.at <= w.until
    AND t.superseded_by_id IS NULL AND t.quantity > 0 AND t.measured
ORDER BY w.number, t.at DESC
"""

# Where counters tell rejects by their difference, those that people enter are rows of the total.
_REJECTS = """
SELECT w.number, t.defect_id, t.product_id, SUM(t.quantity)
FROM wanted w CROSS JOIN production_count t
WHERE t.equipment_id = w.owner AND t.at > w.since AND t.at <= w.until
    AND t.superseded_by_id IS NULL AND t.quantity > 0 AND t.measured
    AND (t.kind = 'reject' OR t.kind = 'total' AND t.defect_id IS NOT NULL)
GROUP BY w.number, t.defect_id, t.product_id
"""

# Checks of what the line made: incoming ones are of material, an audit looks at an item again.
_CHECKS = """
SELECT w.number, t.at, t.equipment_id, t.product_id, t.checked, t.failed
FROM wanted w CROSS JOIN production_qualitycheck t
WHERE t.line_id = w.owner AND t.at > w.since AND t.at <= w.until AND t.kind IN ('in_process', 'final')
ORDER BY w.number, t.at DESC
"""

_CHECK_DEFECTS = """
SELECT w.number, d.defect_id, t.equipment_id, t.product_id, SUM(d.quantity)
FROM wanted w CROSS JOIN production_qualitycheck t
JOIN production_checkdefect d ON d.check_row_id = t.id
WHERE t.line_id = w.owner AND t.at > w.since AND t.at <= w.until AND t.kind IN ('in_process', 'final')
GROUP BY w.number, d.defect_id, t.equipment_id, t.product_id
"""

_JOB_COUNTS = """
SELECT w.number, t.equipment_id, t.kind, t.counters, SUM(t.quantity)
FROM wanted w CROSS JOIN production_count t
WHERE t.job_id = w.owner AND t.at > w.since AND t.at <= w.until
    AND t.superseded_by_id IS NULL AND t.measured
GROUP BY w.number, t.equipment_id, t.kind, t.counters
"""

_TIME_TALLIES = """
SELECT w.number, MIN(t.started_at), COUNT(*), {sums}
FROM wanted w CROSS JOIN production_timetally t
WHERE t.equipment_id = w.owner AND t.started_at >= w.since AND t.started_at < w.until
GROUP BY w.number
"""

# The ideal cycle is that in force when the downtime began, or the quarter of what is put down to none.
_LOSS_TALLIES = """
SELECT number, bucket, reason, loss, six_loss, category, product, cycle, SUM(length_us), SUM(begun) FROM (
    SELECT w.number, t.bucket, r.id AS reason, r.loss, r.six_loss, d.category, t.length_us, t.begun,
        CASE WHEN d.id IS NULL THEN t.product_id ELSE d.product_id END AS product, (
            SELECT c.seconds FROM production_idealcycle c
            WHERE c.equipment_id = t.equipment_id
                AND c.product_id = CASE WHEN d.id IS NULL THEN t.product_id ELSE d.product_id END
                AND c.effective_from <= COALESCE(d.started_at, t.started_at)
            ORDER BY c.effective_from DESC LIMIT 1
        ) AS cycle
    FROM wanted w CROSS JOIN production_losstally t
    LEFT JOIN production_downtime d ON d.id = t.downtime_id
    LEFT JOIN production_reason r ON r.id = d.reason_id
    WHERE t.equipment_id = w.owner AND t.started_at >= w.since AND t.started_at < w.until
) parts
GROUP BY number, bucket, reason, loss, six_loss, category, product, cycle
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The window `number`: of an equipment, or of whatever else owns the rows."""

    number: int
    owner: int
    since: datetime
    until: datetime


Row = tuple[Any, ...]


def moment(value: Any) -> datetime:
    """Return an aware time: SQLite gives one without a zone, or its text where it comes from an expression."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def moment_or_none(value: Any) -> datetime | None:
    """Return an aware time, or None for what has not ended."""
    return None if value is None else moment(value)


def microseconds(seconds: Any) -> int:
    """Return an ideal cycle, which has six decimals; SQLite gives it as a float."""
    exact: int = round(seconds * 1_000_000)
    return exact


def spans(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, id, state, beginning and end of the live spans, with the whole stops at both ends."""
    connection = _connection()
    first, last = (_literal(connection, at) for at in (FIRST, LAST))
    return _rows(connection, _SPANS.format(first=first, last=last), wanted)


def downtimes(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, id, beginning, end, loss and six big loss of the live downtimes."""
    return _in_force(
        wanted,
        "production_downtime",
        "equipment_id",
        "started_at",
        "t.id, t.started_at, t.ended_at, r.loss, r.six_loss",
        joined="LEFT JOIN production_reason r ON r.id = t.reason_id",
        # One that was merged away takes no time.
        live=(
            "AND {0}.superseded_by_id IS NULL"
            " AND ({0}.ended_at IS NULL OR {0}.ended_at > {0}.started_at)"
        ),
    )


def changeovers(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, id, beginning and end of the changeovers that were not called off; the owner is a line."""
    return _in_force(
        wanted,
        "production_changeover",
        "line_id",
        "started_at",
        "t.id, t.started_at, t.ended_at",
        live="AND {0}.status <> 'cancelled'",
    )


def context_changes(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, time, product, and whether a planned stop was on, and its reason."""
    return _in_force(
        wanted,
        "production_contextchange",
        "equipment_id",
        "at",
        "t.at, t.product_id, t.planned_stop, t.planned_stop_reason",
    )


def counts(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, kind, counters, product, ideal cycle, whether measured, and pieces of (since, until]."""
    return _rows(_connection(), _COUNTS, wanted)


def pauses(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, beginning and end of pauses between pieces that ended in (since, until].

    With product and ideal cycle in seconds of the piece that ended it.
    """
    return _rows(_connection(), _PAUSES, wanted)


def tallies(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield the same of the quarters that begin in [since, until)."""
    return _rows(_connection(), _TALLIES, wanted)


def increments(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, time, kind, counters, product and pieces of measured increments, newest first."""
    return _rows(_connection(), _INCREMENTS, wanted)


def rejects(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, defect, product and pieces of the measured rejects of (since, until]."""
    return _rows(_connection(), _REJECTS, wanted)


def checks(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, time, equipment, product, items checked and failed of (since, until], newest first.

    The owner is a line; of checks at which items are looked at first.
    """
    return _rows(_connection(), _CHECKS, wanted)


def check_defects(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, defect, equipment, product and items of the same checks."""
    return _rows(_connection(), _CHECK_DEFECTS, wanted)


def job_counts(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, equipment, kind, counters and measured pieces of (since, until]; the owner is a job."""
    return _rows(_connection(), _JOB_COUNTS, wanted)


def time_tallies(wanted: Sequence[Wanted], columns: Iterable[str]) -> Iterator[Row]:
    """Yield number, the first settled quarter, how many there are, and the sums of the columns."""
    sums = ", ".join(f"SUM(t.{column})" for column in columns)
    return _rows(_connection(), _TIME_TALLIES.format(sums=sums), wanted)


def loss_tallies(wanted: Sequence[Wanted]) -> Iterator[Row]:
    """Yield number, bucket, reason, loss, six big loss, category, product, ideal cycle, length, how many begun.

    Of the quarters that begin in [since, until); the length is in microseconds. Without a downtime there is no
    category.
    """
    return _rows(_connection(), _LOSS_TALLIES, wanted)


def _in_force(
    wanted: Sequence[Wanted],
    table: str,
    owner: str,
    at: str,
    columns: str,
    *,
    joined: str = "",
    live: str = "",
) -> Iterator[Row]:
    sql = _IN_FORCE.format(
        table=table,
        owner=owner,
        at=at,
        columns=columns,
        joined=joined,
        live=live.format("b"),
        live_t=live.format("t"),
    )
    return _rows(_connection(), sql, wanted)


def _connection() -> BaseDatabaseWrapper:
    return connections[router.db_for_read(Span)]


def _literal(connection: BaseDatabaseWrapper, at: datetime) -> str:
    value = connection.ops.adapt_datetimefield_value(at)
    cast = "::timestamptz" if connection.vendor == "postgresql" else ""
    return f"'{value}'{cast}"


def _rows(connection: BaseDatabaseWrapper, sql: str, wanted: Sequence[Wanted]) -> Iterator[Row]:
    if connection.vendor == "postgresql":
        if wanted:
            columns = zip(
                *((each.number, each.owner, each.since, each.until) for each in wanted),
                strict=True,
            )
            yield from _listed(connection, sql, [list(column) for column in columns])
        return
    adapt = time_adapter(connection)
    for some in chunks(wanted):
        values = "VALUES " + ", ".join(["(%s, %s, %s, %s)"] * len(some))
        given = [
            value
            for each in some
            for value in (each.number, each.owner, adapt(each.since), adapt(each.until))
        ]
        with connection.cursor() as cursor:
            cursor.execute(_WANTED.format(values=values) + sql, given)
            yield from cursor.fetchall()


def _listed(connection: BaseDatabaseWrapper, sql: str, columns: Sequence[Any]) -> list[Row]:
    """Return the rows of one statement that is the same for any number of windows, so that it stays prepared.

    Binary: of a time as text Python takes longer to make sense than PostgreSQL to find it.
    """
    from psycopg.pq import Format  # noqa: PLC0415 - not there where nobody uses PostgreSQL

    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(_WANTED.format(values=_LISTED) + sql, columns)
        found: list[Row] = cursor.fetchall()
        return found
