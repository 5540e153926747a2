"""What a board is told of controllers: the links of a line, and how fresh what they said is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ms5.events.items import Item
from production.models import Line
from telemetry import quarantine
from telemetry.choices import LinkStatus
from telemetry.models import PlcLink, Tag
from telemetry.status import facts_of

_WORST_FIRST = ("bad", "stale", "uncertain", "good")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a line's data are.

    `plc` is lost when any of the line's PLCs is, none when it has none. `age_ms` is the age of the oldest
    last good reading among the equipment that have tags, null when one of them has never had any or the
    line has no tags. `quality` is the worst among them.
    """

    plc: Literal["connected", "lost", "none"]
    age_ms: int | None
    quality: str


def items(line: Line) -> list[Item]:
    """Return the link of each PLC that serves the line and of which anything was announced."""
    return items_of([line])[line.code]


def items_of(lines: Collection[Line]) -> dict[str, list[Item]]:
    """Return the same by line for all of them, in three queries."""
    found = (
        Tag.objects.playing_a_role()
        .filter(equipment__line__in=lines)
        .order_by("equipment__code")
        .values_list("plc", "equipment__line__code", "equipment__code")
        .distinct()
    )
    serves: dict[int, list[tuple[str, str]]] = {}
    for plc_id, line, code in found:
        serves.setdefault(plc_id, []).append((line, code))
    by_line: dict[str, list[Item]] = {line.code: [] for line in lines}
    distrusted = quarantine.standing(serves)
    links = PlcLink.objects.filter(plc__in=serves, since__isnull=False).select_related("plc")
    for link in links.order_by("plc__code"):
        told = facts_of(
            code=link.plc.code,
            name=link.plc.name,
            protocol=link.plc.protocol,
            link=link,
            serves=serves[link.plc_id],
            distrusted=distrusted.get(link.plc_id, ""),
        )
        for line in {line for line, _ in serves[link.plc_id]}:
            by_line[line].append(
                Item(type="plc_status", line_id=line, equipment_code=None, data=told[line])
            )
    return by_line


def plant_items() -> list[Item]:
    """Return the link of each PLC that serves no line, and of which anything was announced."""
    serving = Tag.objects.playing_a_role().values("plc")
    links = list(
        PlcLink.objects.filter(since__isnull=False)
        .exclude(plc__in=serving)
        .select_related("plc")
        .order_by("plc__code")
    )
    distrusted = quarantine.standing([link.plc_id for link in links]) if links else {}
    return [
        Item(
            type="plc_status",
            line_id=None,
            equipment_code=None,
            data=facts_of(
                code=link.plc.code,
                name=link.plc.name,
                protocol=link.plc.protocol,
                link=link,
                serves=(),
                distrusted=distrusted.get(link.plc_id, ""),
            )[None],
        )
        for link in links
    ]


def freshness(now: datetime) -> dict[str, Freshness]:
    """Return how fresh every line's data are at `now`, by its code; two queries."""
    seen: dict[str, list[_Seen]] = {
        code: [] for code in Line.objects.values_list("code", flat=True)
    }
    rows = (
        Tag.objects.playing_a_role()
        .filter(plc__enabled=True)
        .order_by()
        .values_list(
            "equipment__line__code",
            "plc__link__status",
            "equipment__condition__last_good_at",
            "equipment__condition__quality",
        )
        .distinct()
    )
    for line, status, last_good_at, quality in rows:
        seen.setdefault(line, []).append(_Seen(status, last_good_at, quality or "bad"))
    return {line: _worst(rows, now) for line, rows in seen.items()}


@dataclass(frozen=True, slots=True)
class _Seen:
    """An equipment through one of its PLCs."""

    status: str | None
    last_good_at: datetime | None
    quality: str


def _worst(rows: list[_Seen], now: datetime) -> Freshness:
    if not rows:
        return Freshness(plc="none", age_ms=None, quality="bad")
    all_answer = all(row.status == LinkStatus.CONNECTED for row in rows)
    times = [row.last_good_at for row in rows]
    oldest = None if None in times else min(at for at in times if at is not None)
    return Freshness(
        plc="connected" if all_answer else "lost",
        # A clock that is a little behind the controller's reader makes nothing younger than now.
        age_ms=None if oldest is None else max(0, int((now - oldest).total_seconds() * 1000)),
        quality=min((row.quality for row in rows), key=_WORST_FIRST.index),
    )
