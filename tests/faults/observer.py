"""What the database of the stack holds, told to the fault run; a process with a connection of its own."""

import json
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402


@contextmanager
def _fresh() -> Any:
    """A connection that no fault of before has spoilt."""
    try:
        yield
    finally:
        connections.close_all()


def heads() -> dict[str, tuple[int, int]]:
    """Return tail and head of each stream that clients may hear."""
    from ms5.events.log import SYS
    from ms5.events.models import Stream

    with _fresh():
        rows = Stream.objects.exclude(name=SYS).values_list("name", "tail", "head")
        return {name: (tail, head) for name, tail, head in rows}


def log(after: dict[str, int]) -> list[dict[str, Any]]:
    """Return the facts after these positions: all of a stream that is not named."""
    from ms5.events.log import SYS
    from ms5.events.models import Event

    found = []
    with _fresh():
        for row in (
            Event.objects.exclude(stream__name=SYS).select_related("stream").order_by("pk")
        ):
            stream = row.stream.name
            if row.seq > after.get(stream, 0):
                data = json.loads(row.text)["data"]
                found.append(
                    {
                        "stream": stream,
                        "seq": row.seq,
                        "event_id": str(row.event_id),
                        "type": row.type,
                        "line_id": row.line_id,
                        "equipment_code": row.equipment_code,
                        "data": data,
                    }
                )
    return found


def holes() -> list[str]:
    """Return a sentence for each stream whose facts are not exactly tail to head, as of one moment."""
    from django.db.models import Count, Max, Min

    from ms5.database import reading
    from ms5.events.models import Event, Stream

    wrong = []
    # As of one moment: the workers go on appending while this looks.
    with _fresh(), reading():
        for stream in Stream.objects.all():
            kept = Event.objects.filter(stream=stream).aggregate(
                count=Count("pk"), first=Min("seq"), last=Max("seq")
            )
            count = stream.head - stream.tail + 1
            whole = {"count": count, "first": stream.tail, "last": stream.head}
            if kept != (whole if count else {"count": 0, "first": None, "last": None}):
                wrong.append(f"{stream.name} is {kept} where {whole} must be")
    return wrong


def items() -> dict[str, Any]:
    """Return the open subjects of each line at its position, and the version of each gauge."""
    import msgspec

    from ms5.database import reading
    from ms5.events.models import Gauge, Stream
    from production import snapshot as production
    from production.models import Line
    from telemetry import snapshot as telemetry

    found: dict[str, Any] = {}
    with _fresh(), reading():
        positions = dict(Stream.objects.values_list("name", "head"))
        gauges = list(Gauge.objects.values_list("stream__name", "key", "ver"))
        for line in Line.objects.all():
            present = [*production.items(line), *telemetry.items(line)]
            found[line.code] = {
                "position": positions.get(line.code, 0),
                "items": json.loads(msgspec.json.encode(present)),
                "gauges": {key: ver for stream, key, ver in gauges if stream == line.code},
            }
    return found


def prune(keep_count: int) -> int:
    """Drop all but so many facts of each stream; return how many went."""
    from datetime import timedelta

    from ms5.events.retention import prune as drop

    with _fresh():
        return drop(now=timezone.now(), keep=timedelta(0), keep_count=keep_count)


def renew(reason: str) -> str:
    """Begin a new epoch, as after a restore."""
    from ms5.events.log import renew as begin

    with _fresh():
        return begin(reason)


def counted() -> dict[str, int]:
    """Return the pieces counted so far, by equipment and kind."""
    from django.db.models import Sum

    from production.models import Tally

    with _fresh():
        rows = Tally.objects.values_list("equipment__code", "kind").annotate(
            all=Sum("quantity")
        )
        return {f"{code} {kind}": int(pieces) for code, kind, pieces in rows}


def machines() -> dict[str, dict[str, Any]]:
    """Return the state and the last good reading of each equipment with a controller."""
    from production.models import Condition

    with _fresh():
        return {
            row.equipment.code: {
                "state": row.state,
                "quality": row.quality,
                "last_good_at": row.last_good_at and row.last_good_at.timestamp(),
            }
            for row in Condition.objects.select_related("equipment")
        }


def links() -> dict[str, str]:
    """Return the status of the link to each PLC."""
    from telemetry.models import PlcLink

    with _fresh():
        return {row.plc.code: row.status for row in PlcLink.objects.select_related("plc")}


def say(line: str, count: int, size: int = 0) -> list[float]:
    """Append so many facts of about so many bytes, each an action; return how long each took, in seconds."""
    return [_say((line,), 1, size) for _ in range(count)]


def burst(line: str, count: int, size: int) -> float:
    """Append so many facts in one action; return the seconds it took."""
    return _say((line,), count, size)


def say_on(lines: list[str]) -> float:
    """Append a fact on each line in one action; return the seconds it took."""
    return _say(tuple(lines), 1, 0)


def _say(lines: tuple[str, ...], count: int, size: int) -> float:
    import time

    from ms5.events.facts import EquipmentFault
    from ms5.events.log import append, recording
    from tests.faults.floor import machine

    began = time.monotonic()
    now = timezone.now()
    with _fresh(), recording():
        for line in lines:
            code = machine(line, "c")
            for number in range(count):
                fact = EquipmentFault(
                    id=9_000_000_000 + number,
                    equipment_code=code,
                    code="Burst",
                    text="x" * size,
                    severity="low",
                    source="internal",
                    reason_code=None,
                    raised_at=now,
                    cleared_at=now,
                    first_out=False,
                )
                append(
                    "equipment_fault", fact, occurred_at=now, line_id=line, equipment_code=code
                )
    return time.monotonic() - began


if __name__ == "__main__":
    from tests.faults.talk import answer_all

    questions = (
        *(heads, log, holes, items, prune, renew, counted, machines, links),
        *(say, burst, say_on),
    )
    answer_all({question.__name__: question for question in questions})
