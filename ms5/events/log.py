"""The one door into the log: `recording()` opens an action, `append()` and `gauge()` say what happened.

The caller guarantees that its row locks are taken before the outermost `recording()` ends, since the
streams are locked there, last and in sorted order, and held only until the commit. Hence positions are
dense, in commit order, and given back by a rollback.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
import uuid_utils.compat as uuid
from django.db import connection, transaction
from django.utils import timezone

from ms5 import rows
from ms5.events.facts import MAX_BYTES, MAX_GAUGE_BYTES, TYPES, Data, Kind
from ms5.events.heads import advance
from ms5.events.internal import INTERNAL
from ms5.events.models import Event, Gauge, Log, new_epoch

log = logging.getLogger(__name__)

PLANT = "plant"
SYS = "sys"


class NotRecording(RuntimeError):
    """`append()` or `gauge()` was called outside of `recording()`."""


class BadEvent(ValueError):
    """An event that is not of its declared type, shape or size; nothing was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a recording will write: a fact (key is empty) or a gauge."""

    type: str
    line_id: str | None
    equipment_code: str | None
    at: datetime
    data: msgspec.Raw
    key: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as the log holds it: `seq` of a fact or `ver` of a gauge, and the text of the wire."""

    type: str
    line_id: str | None
    equipment_code: str | None
    position: int
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Appended:
    """What one commit added to one stream."""

    stream: str
    head: int
    facts: tuple[Written, ...]
    gauges: tuple[Written, ...]


@dataclass(slots=True)
class _Pending:
    """Entries by stream, in the order in which they were said."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)


_pending: ContextVar[_Pending | None] = ContextVar("ms5_pending", default=None)
_listeners: list[Callable[[Sequence[Appended]], None]] = []


def on_append(listener: Callable[[Sequence[Appended]], None]) -> None:
    """Call `listener` after each commit that wrote to the log, in the thread that committed.

    It is a hint: the process may die before it, so nobody may depend on it. It must not block.
    """
    if listener not in _listeners:
        _listeners.append(listener)


@contextmanager
def recording() -> Iterator[None]:
    """Run one action: a transaction whose facts are written with it, once, when the outermost ends.

    An inner `recording()` is a savepoint: if it fails, what it said is forgotten with what it wrote.
    (A bare `transaction.atomic()` would roll back the rows and keep the facts: do not use one inside.)
    """
    pending = _pending.get()
    if pending is not None:
        said = len(pending.entries)
        try:
            with transaction.atomic():
                yield
        except BaseException:
            del pending.entries[said:]
            raise
        return
    pending = _Pending()
    token = _pending.set(pending)
    try:
        with transaction.atomic(durable=True):
            yield
            if pending.entries:
                _flush(pending.entries)
    finally:
        _pending.reset(token)


def append(
    type_: str,
    data: Data,
    *,
    occurred_at: datetime,
    line_id: str | None = None,
    equipment_code: str | None = None,
) -> None:
    """Say a fact. It is in the log if and only if the action commits.

    `line_id` is the code of a line, which is also its stream; None is the stream `plant`.
    Raises BadEvent for an unknown type, a wrong shape or more than 8 KiB, NotRecording outside of an action.
    """
    encoded = _encoded(Kind.FACT, type_, data)
    _say(Entry(type_, line_id, equipment_code, occurred_at, encoded))


def gauge(
    type_: str,
    data: Data,
    *,
    key: str,
    source_at: datetime,
    line_id: str | None = None,
    equipment_code: str | None = None,
) -> None:
    """Say the latest value of `key`; an older `source_at` than the stored one changes nothing."""
    encoded = _encoded(Kind.GAUGE, type_, data)
    _say(Entry(type_, line_id, equipment_code, source_at, encoded, key))


def note(type_: str, data: Data, *, occurred_at: datetime) -> None:
    """Say a fact of the server to itself, on the stream `sys`; no client hears it.

    Raises BadEvent for a type that is not internal, NotRecording outside of an action.
    """
    if not isinstance(data, INTERNAL.get(type_, ())):
        raise BadEvent(f"{type_} is not a declared internal fact")
    encoded = msgspec.Raw(msgspec.json.encode(data))
    _say(Entry(type_, None, None, occurred_at, encoded), SYS)


def _encoded(kind: Kind, type_: str, data: Data) -> msgspec.Raw:
    """Return the data as JSON, or raise BadEvent if it is not what the table declares."""
    declared = TYPES.get(type_)
    if declared is None or declared.kind is not kind:
        raise BadEvent(f"{type_} is not a declared {kind}")
    encoded = msgspec.json.encode(data)
    try:
        # A Struct does not check its fields when it is built, only when it is decoded.
        msgspec.json.decode(encoded, type=declared.data)
    except msgspec.ValidationError as wrong:
        raise BadEvent(f"{type_}: {wrong}") from wrong
    limit = MAX_BYTES if kind is Kind.FACT else MAX_GAUGE_BYTES
    if len(encoded) > limit:
        raise BadEvent(f"{type_} has {len(encoded)} bytes of data; the limit is {limit}")
    return msgspec.Raw(encoded)


def _say(entry: Entry, stream: str = "") -> None:
    pending = _pending.get()
    if pending is None:
        raise NotRecording(f"{entry.type} was said outside of recording()")
    if entry.at.tzinfo is None:
        raise BadEvent(f"{entry.type} has a time without a time zone")
    pending.entries.append((stream or entry.line_id or PLANT, entry))


def _flush(entries: Sequence[tuple[str, Entry]]) -> None:
    by_stream: dict[str, list[Entry]] = defaultdict(list)
    for stream, entry in entries:
        by_stream[stream].append(entry)
    now = timezone.now()
    appended = _write(by_stream, now)
    transaction.on_commit(lambda: _announce(appended))


def _write(by_stream: Mapping[str, Sequence[Entry]], now: datetime) -> list[Appended]:
    """Write what was said to all streams, in as many statements as for one; return what each got, in order."""
    facts = {name: [each for each in said if not each.key] for name, said in by_stream.items()}
    # Within one action only the newest value of a key can matter.
    gauges = {
        name: list({each.key: each for each in said if each.key}.values())
        for name, said in by_stream.items()
    }
    places = advance({name: (len(facts[name]), len(gauges[name])) for name in by_stream})
    new: dict[str, list[_NewFact]] = {}
    told: dict[str, list[_NewGauge]] = {}
    for name in sorted(by_stream):
        stream, head, gauge_head = places[name]
        first, first_gauge = head - len(facts[name]) + 1, gauge_head - len(gauges[name]) + 1
        new[name] = [
            _NewFact(stream, *_fact(name, seq, entry), entry.at)
            for seq, entry in enumerate(facts[name], first)
        ]
        told[name] = [
            _NewGauge(stream, _gauge(ver, entry), entry.at)
            for ver, entry in enumerate(gauges[name], first_gauge)
        ]
    _insert([each for some in new.values() for each in some], now)
    kept = _put([each for some in told.values() for each in some], now)
    return [
        Appended(
            name,
            places[name][1],
            tuple(each.written for each in new[name]),
            tuple(each.written for each in own if (each.stream, each.written.key) in kept),
        )
        for name, own in told.items()
    ]


class _NewFact(NamedTuple):
    """A fact to insert."""

    stream: int
    written: Written
    event_id: uuid.UUID
    at: datetime


class _NewGauge(NamedTuple):
    """A gauge to write unless a newer value is there."""

    stream: int
    written: Written
    at: datetime


def _fact(stream: str, seq: int, entry: Entry) -> tuple[Written, uuid.UUID]:
    event_id = uuid.uuid7()
    text = msgspec.json.encode(
        {
            "type": entry.type,
            "timestamp": entry.at,
            "line_id": entry.line_id,
            "equipment_code": entry.equipment_code,
            "event_id": str(event_id),
            "stream": stream,
            "seq": seq,
            "data": entry.data,
        }
    ).decode()
    return Written(entry.type, entry.line_id, entry.equipment_code, seq, text), event_id


_FACT = (
    "stream_id",
    "seq",
    "event_id",
    "type",
    "line_id",
    "equipment_code",
    "occurred_at",
    "recorded_at",
    "text",
)
_EVENT_ID = Event._meta.get_field("event_id")  # noqa: SLF001 - Django's documented API


def _insert(new: Sequence[_NewFact], now: datetime) -> None:
    """Write the rows in one statement. The ORM's own way costs a third of a commit, under the stream's lock."""
    if not new:
        return
    adapt = rows.time_adapter()
    rows.insert_values(
        Event,
        _FACT,
        [
            (
                stream,
                fact.position,
                _EVENT_ID.get_db_prep_value(event_id, connection),
                fact.type,
                fact.line_id,
                fact.equipment_code,
                adapt(at),
                adapt(now),
                fact.text,
            )
            for stream, fact, event_id, at in new
        ],
    )


_GAUGE = (
    "stream_id",
    "key",
    "ver",
    "type",
    "line_id",
    "equipment_code",
    "source_at",
    "recorded_at",
    "text",
)
# The guarantee that an older source time never overwrites a newer one.
_NOT_OLDER = "excluded.source_at >= events_gauge.source_at"


def _put(told: Sequence[_NewGauge], now: datetime) -> set[tuple[int, str]]:
    """Write gauges; return stream and key of those that were not too old."""
    if not told:
        return set()
    adapt = rows.time_adapter()
    stored = rows.insert_values(
        Gauge,
        _GAUGE,
        [
            (
                stream,
                each.key,
                each.position,
                each.type,
                each.line_id,
                each.equipment_code,
                adapt(at),
                adapt(now),
                each.text,
            )
            for stream, each, at in told
        ],
        key=_GAUGE[:2],
        provided=_NOT_OLDER,
        returning="stream_id, key",
    )
    return {(stream, key) for stream, key in stored}


def _gauge(ver: int, entry: Entry) -> Written:
    text = msgspec.json.encode(
        {
            "type": entry.type,
            "timestamp": entry.at,
            "line_id": entry.line_id,
            "equipment_code": entry.equipment_code,
            "key": entry.key,
            "ver": ver,
            "source_at": entry.at,
            "data": entry.data,
        }
    ).decode()
    return Written(entry.type, entry.line_id, entry.equipment_code, ver, text, entry.key)


def _announce(appended: Sequence[Appended]) -> None:
    for listener in _listeners:
        try:
            listener(appended)
        except Exception:  # a hint that fails must not fail the action that has committed
            log.exception("a listener of the log failed")


def epoch() -> str:
    """Return the log's epoch, beginning the log if it is new."""
    return Log.objects.get_or_create(pk=1)[0].epoch


def renew(reason: str) -> str:
    """Begin a new epoch: every client learns that its positions mean nothing, and takes a snapshot."""
    fresh = new_epoch()
    Log.objects.update_or_create(pk=1, defaults={"epoch": fresh, "reason": reason})
    return fresh
