"""The open subjects and gauges of a line as of one moment: one projection for every socket."""

from dataclasses import dataclass
from itertools import chain

import msgspec

from andon import snapshot as andon
from ms5.database import reading
from ms5.events.items import Item
from ms5.events.log import PLANT, Written
from ms5.events.models import Gauge as GaugeRow
from ms5.events.models import Stream
from production import snapshot as production
from production.models import Line
from realtime.routed import Gauge, gauge_of
from realtime.routes import groups_of
from telemetry import snapshot as telemetry


@dataclass(frozen=True, slots=True)
class Subject:
    """An item of a snapshot, encoded once, with the groups that its events go to."""

    item: Item
    groups: tuple[str, ...]
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Picture:
    """A stream at its position: what was open then, and the gauges stored by then."""

    stream: str
    position: int
    subjects: tuple[Subject, ...]
    gauges: tuple[Gauge, ...]


class NoSuchLine(LookupError):
    """The line is gone."""


def picture_of(stream: str) -> Picture:
    """Read the stream's picture in one consistent transaction. Raises NoSuchLine."""
    with reading():
        head = Stream.objects.filter(name=stream).values_list("pk", "head").first()
        pk, position = head or (None, 0)
        gauges = (
            GaugeRow.objects.filter(stream=pk).order_by("key")
            if pk
            else GaugeRow.objects.none()
        )
        written = [
            Written(row.type, row.line_id, row.equipment_code, row.ver, row.text, row.key)
            for row in gauges
        ]
        items = tuple(telemetry.plant_items()) if stream == PLANT else _items(stream)
    return Picture(
        stream,
        position,
        tuple(_subject(item) for item in items),
        tuple(gauge_of(stream, value) for value in written),
    )


def _items(line_code: str) -> tuple[Item, ...]:
    line = Line.objects.filter(code=line_code).first()
    if line is None:
        raise NoSuchLine(line_code)
    return tuple(chain(production.items(line), telemetry.items(line), andon.items(line)))


def _subject(item: Item) -> Subject:
    groups = groups_of(
        item.type,
        item.line_id,
        item.equipment_code,
        lambda name: getattr(item.data, name, None),
    )
    return Subject(item, groups, msgspec.Raw(msgspec.json.encode(item)))
