"""The heads of streams: the lock under which positions are given, taken in the order of their names."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import connection

from ms5.events.models import Stream

_WORTH_IT = 4
"""Streams; fewer are locked and moved one by one."""
_ONE = """
UPDATE events_stream SET head = head + %s, gauge_head = gauge_head + %s
WHERE name = %s RETURNING id, head, gauge_head
"""
# Names are in the same order here as in Python: a collation of the database's may have another, and who
# takes two locks the other way round waits for ever. So does who inserts a stream in between: where one is
# new nothing is locked yet.
_LOCK = """
SELECT id FROM events_stream WHERE name = ANY(%s)
AND (SELECT COUNT(*) FROM events_stream WHERE name = ANY(%s)) = %s
ORDER BY name COLLATE "C" FOR NO KEY UPDATE
"""
_LISTED = "SELECT * FROM unnest(%b::text[], %b::bigint[], %b::bigint[])"
_ALL = """
WITH more(stream, facts, gauges) AS ({values})
UPDATE events_stream SET head = head + more.facts, gauge_head = gauge_head + more.gauges
FROM more WHERE name = more.stream RETURNING name, id, head, gauge_head
"""


class Heads(NamedTuple):
    """A stream's row, and the positions that it gave last to a fact and to a gauge."""

    stream: int
    head: int
    gauge_head: int


def advance(more: Mapping[str, tuple[int, int]]) -> dict[str, Heads]:
    """Lock the streams, by name, and let each give so many positions to facts and to gauges.

    A row appears with the first use of its stream. Called last in a transaction, once.
    """
    found = _together(more) if len(more) >= _WORTH_IT else {}
    for name in sorted(more.keys() - found.keys()):
        found[name] = _alone(name, *more[name])
    return found


def _together(more: Mapping[str, tuple[int, int]]) -> dict[str, Heads]:
    """Return those that are there; on PostgreSQL none if one is not. SQLite has one writer."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            names = sorted(more)
            cursor.execute(_LOCK, [names, names, len(names)])
            if len(cursor.fetchall()) < len(names):
                return {}
            values = _LISTED
            given: list[Any] = [
                names,
                *map(list, zip(*(more[name] for name in names), strict=True)),
            ]
        else:
            values = "VALUES " + ", ".join(["(%s, %s, %s)"] * len(more))
            given = [value for name, counts in more.items() for value in (name, *counts)]
        cursor.execute(_ALL.format(values=values), given)
        return {name: Heads(*map(int, heads)) for name, *heads in cursor.fetchall()}


def _alone(name: str, facts: int, gauges: int) -> Heads:
    with connection.cursor() as cursor:
        cursor.execute(_ONE, [facts, gauges, name])
        row = cursor.fetchone()
        if row is None:
            Stream.objects.bulk_create([Stream(name=name)], ignore_conflicts=True)
            cursor.execute(_ONE, [facts, gauges, name])
            row = cursor.fetchone()
    return Heads(*map(int, row))
