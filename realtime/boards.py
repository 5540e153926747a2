"""The board of some lines as of one moment: what a page draws, and what its script goes on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ms5.database import reading
from ms5.events.facts import ProductionUpdate
from ms5.events.items import Item
from ms5.events.log import epoch
from ms5.events.models import Gauge, Stream
from production import snapshot as production
from production.figures import production_update
from production.models import Line
from realtime.drawing import Drawing, draw_line
from realtime.freshness import Sources
from telemetry import snapshot as telemetry


@dataclass(frozen=True, slots=True)
class LineBoard:
    """A line: its figures as of now, its open subjects, its sources, and the positions they stand for."""

    line: Line
    update: ProductionUpdate
    update_ver: int
    """Version of the stored gauge that the figures are at least as new as; 0 before the first."""
    items: Sequence[Item]
    sources: Sources | None
    head: int

    def drawing(self, now: datetime) -> Drawing:
        """Return the line as it is printed."""
        subjects = [item.data for item in self.items]
        return draw_line(self.line.code, self.update, subjects, self.sources, now)

    def public(self, now: datetime) -> dict[str, Any]:
        """Return what the page's script begins with; the form of static/js/reduce.js."""
        key = f"production:{self.line.code}"
        gauge = {
            "type": "production_update",
            "key": key,
            "ver": self.update_ver,
            "source_at": now,
            "data": self.update,
        }
        return {
            "code": self.line.code,
            "name": self.line.name,
            "items": self.items,
            "gauges": {key: gauge},
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
        versions = dict(
            Gauge.objects.filter(
                key__in=[f"production:{code}" for code in codes], stream__name__in=codes
            ).values_list("stream__name", "ver")
        )
        fresh = telemetry.freshness(now)
        boards = []
        for line in lines:
            known = fresh.get(line.code)
            boards.append(
                LineBoard(
                    line=line,
                    update=production_update(line, now),
                    update_ver=versions.get(line.code, 0),
                    items=[*production.items(line), *telemetry.items(line)],
                    sources=Sources(
                        plc=known.plc, age_ms=known.age_ms, quality=known.quality, at=now
                    )
                    if known
                    else None,
                    head=heads.get(line.code, 0),
                )
            )
    return Board(now=now, epoch=life, lines=boards)
