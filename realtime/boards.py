"""The board of some lines as of one moment: what a page draws, and what its script goes on from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from andon import snapshot as andon
from ms5.database import reading
from ms5.events.facts import TYPES, Data, ProductionUpdate
from ms5.events.items import Item
from ms5.events.log import epoch
from ms5.events.models import Gauge, Stream
from production import snapshot as production
from production.figures import production_updates
from production.models import Line
from realtime.calls import Place
from realtime.drawing import Drawing, draw_line
from realtime.freshness import Sources
from realtime.work import Work, draw_work
from telemetry import snapshot as telemetry

log = logging.getLogger(__name__)

# What a board draws of a line; the rest of its gauges comes through the socket.
_DRAWN = ("production_update", "job_progress", "oee_update")


@dataclass(frozen=True, slots=True)
class StoredGauge:
    """The latest value of a key, with its version."""

    type: str
    key: str
    ver: int
    source_at: datetime
    data: Data


class _Told(msgspec.Struct):
    """Of what went over the wire only the data matter here."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineBoard:
    """A line: its figures as of now, its open subjects, its sources, and the positions they stand for."""

    line: Line
    update: ProductionUpdate
    gauges: Sequence[StoredGauge]
    """What is stored of the line, `production_update` only for its version: its figures are read anew."""
    items: Sequence[Item]
    sources: Sources | None
    head: int

    def drawing(self, now: datetime) -> Drawing:
        """Return the line as it is printed."""
        subjects = [item.data for item in self.items]
        return draw_line(self.line.code, self.update, subjects, self.sources, now)

    def work(self, now: datetime) -> Work:
        """Return what the line is at, as it is printed."""
        return draw_work(
            [item.data for item in self.items],
            [gauge.data for gauge in self.gauges],
            self.update.constraint,
            self.line.area.site.time_zone,
            now,
        )

    def place(self) -> Place:
        """Return the line as its calls are drawn from."""
        return Place(
            code=self.line.code,
            name=self.line.name,
            names={unit.equipment_code: unit.name for unit in self.update.equipment},
            subjects=[item.data for item in self.items],
        )

    def public(self, now: datetime) -> dict[str, Any]:
        """Return what the page's script begins with; the form of static/js/reduce.js."""
        key = f"production:{self.line.code}"
        stored = {gauge.key: gauge for gauge in self.gauges}
        present = StoredGauge(
            type="production_update",
            key=key,
            ver=stored[key].ver if key in stored else 0,
            source_at=now,
            data=self.update,
        )
        return {
            "code": self.line.code,
            "name": self.line.name,
            "items": self.items,
            "gauges": stored | {key: present},
            "freshness": self.sources,
            "positions": {self.line.code: self.head},
        }


@dataclass(frozen=True, slots=True)
class Board:
    """Some lines in plant order, all read at one moment."""

    now: datetime
    epoch: str
    lines: Sequence[LineBoard]

    def public(self) -> dict[str, Any]:
        """Return the board as plain values, for `json_script`."""
        plain: dict[str, Any] = msgspec.to_builtins(
            {
                "epoch": self.epoch,
                "server_time": self.now,
                "degraded": [],
                "lines": {line.line.code: line.public(self.now) for line in self.lines},
            }
        )
        return plain


def board_of(lines: Sequence[Line], now: datetime) -> Board:
    """Return the board of these lines, in one consistent read."""
    life = epoch()
    codes = [line.code for line in lines]
    with reading():
        heads = dict(Stream.objects.filter(name__in=codes).values_list("name", "head"))
        stored = _stored(codes)
        fresh = telemetry.freshness(now)
        updates = production_updates(lines, now)
        subjects, links = production.items_of(lines), telemetry.items_of(lines)
        calls = andon.items_of(lines)
        boards = []
        for line in lines:
            known = fresh.get(line.code)
            boards.append(
                LineBoard(
                    line=line,
                    update=updates[line.pk],
                    gauges=stored.get(line.code, ()),
                    items=[*subjects[line.code], *links[line.code], *calls[line.code]],
                    sources=Sources(
                        plc=known.plc, age_ms=known.age_ms, quality=known.quality, at=now
                    )
                    if known
                    else None,
                    head=heads.get(line.code, 0),
                )
            )
    return Board(now=now, epoch=life, lines=boards)


def _stored(codes: Sequence[str]) -> dict[str, list[StoredGauge]]:
    """Return the gauges that boards draw, by line; one whose data this version does not know is left out."""
    found: dict[str, list[StoredGauge]] = {}
    rows = Gauge.objects.filter(
        stream__name__in=codes, line_id__in=codes, type__in=_DRAWN, equipment_code=None
    )
    for row in rows.order_by("key"):
        try:
            told = msgspec.json.decode(row.text, type=_Told)
            data: Data = msgspec.convert(told.data, TYPES[row.type].data)
        except msgspec.ValidationError as error:
            log.warning(
                "a stored gauge is not read", extra={"key": row.key, "error": str(error)}
            )
            continue
        gauge = StoredGauge(row.type, row.key, row.ver, row.source_at, data)
        found.setdefault(row.line_id or "", []).append(gauge)
    return found
