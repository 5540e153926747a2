"""Whole rows of models, read and written by SQL that is put together once instead of at every call.

For the few statements that every observation of every machine makes: the ORM spends several times as long on
putting one together as the database on answering it. All else is the ORM's.
"""

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

from ms5.database import chunks

Model = type[models.Model]
M = TypeVar("M", bound=models.Model)

_WORTH_A_COPY = 50
"""Rows; fewer are an INSERT, which is planned once where COPY is a conversation of its own."""

# What the drivers of both engines give and take as it is.
_PLAIN = (models.BooleanField, models.CharField, models.FloatField, models.IntegerField)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is read of a model: as SQL, by the names of attributes, and which of them hold what."""

    sql: str
    names: tuple[str, ...]
    times: Mapping[str, int]
    """Their places by name."""
    floats: frozenset[str]
    """A whole number is one too for Python, and for no list of PostgreSQL."""
    key: int


def read(model: type[M], rest: str, values: Sequence[Any]) -> list[M]:
    """Return the rows of a model; `rest` is the SQL after its FROM, such as `WHERE id IN (%s, %s)`.

    Raises TypeError for a model with a column that is neither text, number, truth nor time.
    """
    return [row for (row,) in read_beside((model,), f"FROM {_table(model)} {rest}", values)]


def read_beside(
    of: tuple[Model, ...], rest: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Return rows of joined models, an instance of each in their order; `rest` is the SQL from FROM on.

    One that an outer join did not find is None. The instances do not know each other: which belongs to which
    the caller says. Raises what `read` raises.
    """
    columns = [_columns(model) for model in of]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(each.sql for each in columns)} {rest}", values)
        rows = cursor.fetchall()
    alias = connection.alias
    return [tuple(_instances(of, columns, row, alias)) for row in rows]


def read_values(
    model: Model, columns: Sequence[str], rest: str, values: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of rows of a model; `rest` is the SQL after its FROM, and times in it are adapted.

    Raises what `read` raises.
    """
    times = [place for place, name in enumerate(columns) if name in _columns(model).times]
    with connection.cursor() as cursor:
        wanted = f"SELECT {_list(columns)} FROM {_table(model)} {rest}"  # noqa: S608 - of our own names
        cursor.execute(wanted, values)
        for row in cursor.fetchall():
            yield tuple(_zoned(row, times))


def _instances(
    of: Sequence[Model], columns: Sequence[_Columns], row: Sequence[Any], alias: str
) -> Iterable[models.Model | None]:
    begin = 0
    for model, own in zip(of, columns, strict=True):
        values = row[begin : begin + len(own.names)]
        begin += len(own.names)
        if values[own.key] is None:
            yield None
            continue
        yield _instance(model, own.names, _zoned(values, own.times.values()), alias)


def _instance(
    model: Model, names: Sequence[str], values: Sequence[Any], alias: str
) -> models.Model:
    """Return what `Model.from_db` does of whole rows, at a third of its cost: no signals and no setters.

    Nobody here listens to `pre_init` and `post_init`, and the setter of a foreign key only forgets an instance
    that is not there yet.
    """
    new = model.__new__(model)
    new._state = state = ModelState()  # noqa: SLF001 - as the ORM makes one
    state.adding, state.db = False, alias
    new.__dict__.update(zip(names, values, strict=True))
    return new


def _zoned(values: Sequence[Any], times: Iterable[int]) -> list[Any]:
    """Return the values of a row, those at the places of times with their zone."""
    told = list(values)
    for place in times:
        if told[place] is not None:
            told[place] = aware(told[place])
    return told


def aware(moment: datetime) -> datetime:
    """Return a time as a driver gives it, with its zone: SQLite's is in UTC and does not say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def marks(values: Collection[object]) -> str:
    """Return a placeholder for each value, for an IN; NULL where there is none, which nothing is in."""
    return ", ".join(["%s"] * len(values)) or "NULL"


def lock(table: str) -> str:
    """Return what locks the rows of a table until the transaction ends.

    SQLite has one writer and knows no locks of rows.
    """
    return f" FOR UPDATE OF {table}" if connection.features.has_select_for_update else ""


def insert(
    instances: Sequence[models.Model],
    attributes: Sequence[str],
    *,
    key: Collection[str] = (),
) -> None:
    """Insert instances of one model, of which these attributes are columns, such as `equipment_id`.

    A row that has the same `key` takes over the others; without one a twin raises IntegrityError. The
    instances do not learn their ids.
    """
    if not instances:
        return
    model = type(instances[0])
    own = _columns(model)
    adapt = time_adapter()
    values_of = attrgetter(*attributes)
    convert = [
        (place, adapt if name in own.times else float)
        for place, name in enumerate(attributes)
        if name in own.times or name in own.floats
    ]
    rows = [list(values_of(each)) for each in instances]
    for row in rows:
        for place, as_stored in convert:
            if row[place] is not None:
                row[place] = as_stored(row[place])
    insert_values(model, attributes, rows, key=key)


def insert_values(
    model: Model,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    key: Collection[str] = (),
    provided: str = "",
    returning: str = "",
) -> list[tuple[Any, ...]]:
    """Insert rows of values that are as the database takes them; `key` as in `insert`.

    A row that is there takes over the others only `provided` that a condition holds, in which `excluded` names
    what is new. Returns these columns of the rows that were written.
    """
    if (
        connection.vendor == "postgresql"
        and len(rows) >= _WORTH_A_COPY
        and not (key or returning)
    ):
        _copy(model, columns, rows)
        return []
    into, conflict = _insert_sql(model, tuple(columns), tuple(key))
    conflict += f" WHERE {provided}" if provided else ""
    conflict += f" RETURNING {returning}" if returning else ""
    written: list[tuple[Any, ...]] = []
    for some in chunks(rows):
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # A value each of thousands to parse takes it twice as long as a list of each column.
                listed = [list(column) for column in zip(*some, strict=True)]
                cursor.execute(into + _unnest(model, tuple(columns)) + conflict, listed)
            else:
                one = f"({marks(columns)})"
                cursor.execute(
                    f"{into}VALUES {', '.join([one] * len(some))}{conflict}",
                    [value for row in some for value in row],
                )
            if returning:
                written += cursor.fetchall()
    return written


def _copy(model: Model, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows by PostgreSQL's COPY: a third of what the fastest INSERT costs on either side."""
    into = f"COPY {_table(model)} ({_list(columns)}) FROM STDIN"
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(into) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def time_adapter(using: Any = connection) -> Any:
    """Return what puts a time as the database takes it. Rows of one action share theirs: each is put once."""
    return functools.cache(using.ops.adapt_datetimefield_value)


@functools.cache
def _columns(model: Model) -> _Columns:
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented API
    table = _table(model)
    return _Columns(
        sql=", ".join(f"{table}.{_quoted(str(field.column))}" for field in fields),
        names=tuple(field.attname for field in fields),
        times={field.attname: place for place, field in enumerate(fields) if _is_time(field)},
        floats=frozenset(
            field.attname for field in fields if isinstance(field, models.FloatField)
        ),
        key=next(place for place, field in enumerate(fields) if field.primary_key),
    )


def _is_time(field: Any) -> bool:
    """Whether a column holds times. Raises TypeError where it holds what only the ORM can read."""
    kind = field.target_field if field.is_relation else field
    if isinstance(kind, models.DateTimeField):
        return True
    if isinstance(kind, _PLAIN):
        return False
    raise TypeError(f"{field} is neither text, number, truth nor time: read it by the ORM")


@functools.cache
def _insert_sql(
    model: Model, columns: tuple[str, ...], key: tuple[str, ...]
) -> tuple[str, str]:
    into = f"INSERT INTO {_table(model)} ({_list(columns)}) "
    if not key:
        return into, ""
    taken = ", ".join(
        f"{_quoted(column)} = excluded.{_quoted(column)}"
        for column in columns
        if column not in key
    )
    return into, f" ON CONFLICT ({_list(key)}) DO UPDATE SET {taken}"


@functools.cache
def _unnest(model: Model, columns: tuple[str, ...]) -> str:
    types = {
        field.column: str(field.db_type(connection))
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's documented API
    }
    # Binary, since psycopg writes lists of text with a regular expression for each. Without the length of a
    # text, which a cast would cut it to in silence: the column refuses it.
    lists = ", ".join(f"%b::{types[column].partition('(')[0]}[]" for column in columns)
    return f"SELECT * FROM unnest({lists})"  # noqa: S608 - names of ours only


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_quoted(column) for column in columns)


def _table(model: Model) -> str:
    return _quoted(model._meta.db_table)  # noqa: SLF001 - Django's documented API


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
