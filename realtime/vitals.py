"""The tables of the page "Is it alive?": parts of health, processors, web processes, controllers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.utils.formats import number_format

from ms5.accounts.models import User
from ms5.admin_base import ago, length
from ms5.processes.heartbeats import late
from ms5.processes.leases import instance
from ms5.processes.models import Heartbeat, Run
from ms5.processes.runs import starts_since, told_since
from realtime.figures import TOLD_EVERY_S, figures
from realtime.health import Part, expected
from realtime.hub import running_hubs
from realtime.teller import WEB
from telemetry.health import links
from telemetry.models import Plc
from telemetry.visibility import plcs_of

_HUNG_AFTER = timedelta(seconds=3 * TOLD_EVERY_S)
_GONE_AFTER = timedelta(seconds=60)
_OF_THE_HUB = {"tail", "canary"}
_NAMES = {
    "database": "Database",
    "tail": "Tail of the log",
    "canary": "Canary: log to socket",
    "channel_layer": "Channel layer (Redis)",
    "processors": "Processors",
    "plc_links": "Controllers",
    "escalation": "Escalation and notifications",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; `level` is ok, degraded or down where it is a judgement, else empty."""

    text: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page, with the sentence that stands in it when it has no rows."""

    key: str
    title: str
    columns: Sequence[str]
    empty: str
    rows: list[list[Cell]] = field(default_factory=list)


def told(user: User, parts: Sequence[Part], now: datetime) -> list[Table]:
    """Return all tables; without a database, those that need none."""
    tables = [_parts(parts)]
    try:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = starts_since(midnight)
        tables += [
            _processors(starts, now),
            _web(told_since(WEB, now - _GONE_AFTER), starts, now),
            _controllers(user, now),
        ]
    except (DatabaseError, InterfaceError):
        # The first table says that it is away; nothing else can be known.
        tables.append(_web([], Counter(), now))
    return tables


def _parts(parts: Sequence[Part]) -> Table:
    table = Table(
        "parts", "As this web process sees it", ("Part", "State", "What is wrong"), ""
    )
    for part in parts:
        wrong = "; ".join(
            why if name == part.name else f"{name}: {why}" for name, why in part.wrong.items()
        )
        name = Cell(_NAMES.get(part.name, part.name))
        if part.name in _OF_THE_HUB and not running_hubs():
            # Neither well nor ill: nothing was there to be looked at.
            table.rows.append([name, Cell("not begun"), Cell("no socket has connected here")])
            continue
        state = {"ok": "well", "degraded": "degraded", "down": "down"}[part.status]
        table.rows.append([name, Cell(state, part.status), Cell(wrong)])
    return table


def _processors(starts: Mapping[str, int], now: datetime) -> Table:
    table = Table(
        "processors",
        "Processors",
        ("Name", "State", "Every", "Succeeded", "Late by", "Took", "Starts today", "Process"),
        "No processor has ever run: start beat and the workers.",
    )
    must = expected()
    rows = {row.name: row for row in Heartbeat.objects.all()}
    wrong = late(must | {row.name: row.period_s for row in rows.values()}, now)
    for name in sorted(must | rows):
        row = rows.get(name)
        why = wrong.get(name)
        state = Cell("well", "ok") if why is None else Cell(why, "degraded")
        if row is None:
            every = f"{must[name]:g} s"
            table.rows.append([Cell(name), state, Cell(every), *_blank(5)])
            continue
        behind = 0.0 if row.ok_at is None else (now - row.ok_at).total_seconds() - row.period_s
        table.rows.append(
            [
                Cell(name),
                state,
                Cell(f"{row.period_s:g} s"),
                Cell(ago(row.ok_at, now) or "never"),
                Cell(length(behind) if behind >= 1 else "-"),
                Cell(f"{row.took_ms:.0f} ms"),
                Cell(str(starts.get(name, 0))),
                Cell(row.instance),
            ]
        )
    return table


def _web(runs: Sequence[Run], starts: Mapping[str, int], now: datetime) -> Table:
    table = Table(
        "web",
        f"Web processes (started today: {starts.get(WEB, 0)})",
        (
            *("Process", "State", "Since", "Told", "Sockets", "Deliveries", "Facts read"),
            *("Tail looked", "Canary arrived", "Loop lag, 1 min", "Slow closed", "Errors told"),
        ),
        "No web process has told its figures yet: one begins with its first socket.",
    )
    me = instance()
    for run in runs:
        own = run.instance == me
        said = figures() if own else run.figures
        silent = run.told_at is not None and now - run.told_at > _HUNG_AFTER
        state = Cell("silent", "degraded") if silent and not own else Cell("well", "ok")
        table.rows.append(
            [
                Cell(f"{run.instance} (this one)" if own else run.instance),
                state,
                Cell(ago(run.began_at, now) or ""),
                Cell("now" if own else ago(run.told_at, now) or ""),
                *_figures(said, hangs=silent and not own),
            ]
        )
    return table


def _figures(said: Mapping[str, Any], *, hangs: bool) -> Iterator[Cell]:
    yield _count(said.get("connections"))
    yield _count(said.get("deliveries"))
    yield _count(sum(said.get("facts", {}).values()))
    if hangs:  # its last ages were good, and nobody knows how old they are by now
        yield from _blank(3)
    else:
        yield _seconds(said.get("tail_age_s"))
        heard = said.get("canary_heard")
        yield _seconds(said.get("canary_age_s")) if heard else Cell("not yet")
        yield _milliseconds(said.get("loop_lag_worst_s"))
    yield _count(said.get("closes", {}).get("4508", 0))
    yield _count(sum(said.get("errors", {}).values()))


def _controllers(user: User, now: datetime) -> Table:
    table = Table(
        "controllers",
        "Controllers",
        ("Controller", "State", "Last read", "Failures in a row"),
        "No controller is polled.",
    )
    wrong = links(now)
    plcs = plcs_of(Plc.objects.filter(enabled=True), user)
    for plc in plcs.select_related("link").order_by("code"):
        link = getattr(plc, "link", None)
        why = wrong.get(plc.code)
        table.rows.append(
            [
                Cell(plc.code),
                Cell("well", "ok") if why is None else Cell(why, "degraded"),
                Cell("never" if link is None else ago(link.last_ok_at, now) or "never"),
                Cell("-" if link is None else str(link.failures)),
            ]
        )
    return table


def _blank(count: int) -> list[Cell]:
    return [Cell("-")] * count


def _count(value: int | None) -> Cell:
    return Cell("-" if value is None else number_format(value, force_grouping=True))


def _seconds(value: float | None) -> Cell:
    return Cell("-" if value is None else f"{value:.1f} s ago")


def _milliseconds(value: float | None) -> Cell:
    return Cell("-" if value is None else f"{value * 1000:.0f} ms")
