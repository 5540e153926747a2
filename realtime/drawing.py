"""What a board shows of a line, as words and figures ready to print (pure).

static/js/drawing.js is its twin, which draws again whenever something happens;
tests/contract/drawing/lines.json holds both to the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ms5.events.facts import (
    EquipmentFault,
    EquipmentNow,
    EquipmentState,
    PlcStatus,
    ProductionUpdate,
)
from realtime.formats import duration, percent, tenth, whole
from realtime.freshness import Fresh, Sources, freshness_of

WORDS = {
    "running": "RUN",
    "faulted": "FAULT",
    "stopped": "STOP",
    "idle": "IDLE",
    "starved": "STARVED",
    "blocked": "BLOCKED",
    "setup": "SETUP",
    "planned": "PLANNED",
    "no_data": "NO DATA",
}
"""The word of each state; its shape and colour are the style sheet's, by `data-state`."""

_LINKS = {"connected": "OK", "lost": "LOST", "disabled": "OFF"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One equipment of the strip; `lead` marks the first-out machine, the only red one."""

    code: str
    name: str
    state: str
    word: str
    timer: str
    reason: str
    constraint: bool
    lead: bool
    speed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFault:
    """One row of the open faults."""

    id: int
    name: str
    text: str
    code: str
    severity: str
    timer: str
    first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """One row of the PLC links."""

    plc: str
    name: str
    status: str
    word: str
    timer: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A line as it is printed. Empty text: nothing is known and nothing is shown."""

    code: str
    state: str
    word: str
    timer: str
    reason: str
    actual: str
    reject: str
    target: str
    percent: str
    delta: str
    side: Literal["", "behind", "ahead"]
    downtime: str
    why: str
    product: str
    speed: str
    target_speed: str
    share: int | None
    """Speed in per cent of the target speed, at most 125, where the bar ends."""
    rate: str
    trend: Literal["", "up", "down", "flat"]
    trend_text: str
    machines: tuple[Machine, ...]
    faults: tuple[OpenFault, ...]
    plcs: tuple[Controller, ...]
    fresh: Fresh


def draw_line(
    code: str,
    update: ProductionUpdate,
    open_subjects: Sequence[object],
    sources: Sources | None,
    now: datetime,
) -> Drawing:
    """Return the line as of `now`, from its figures and the data of its open subjects."""
    states = {
        data.equipment_code: data for data in open_subjects if isinstance(data, EquipmentState)
    }
    faults = sorted(
        (data for data in open_subjects if isinstance(data, EquipmentFault)),
        key=lambda fault: (fault.raised_at, fault.id),
    )
    plcs = sorted(
        (data for data in open_subjects if isinstance(data, PlcStatus)),
        key=lambda plc: plc.plc,
    )
    lead = _lead(update, states, faults)
    machines = tuple(
        _machine(unit, states.get(unit.equipment_code), update, lead, now)
        for unit in update.equipment
    )
    constraint = next((machine for machine in machines if machine.constraint), None)
    names = {unit.equipment_code: unit.name for unit in update.equipment}
    delta, side = _delta(update)
    trend, trend_text = _trend(update)
    return Drawing(
        code=code,
        state=constraint.state if constraint else "no_data",
        word=constraint.word if constraint else WORDS["no_data"],
        timer=constraint.timer if constraint else "",
        reason=constraint.reason if constraint else "",
        actual=whole(update.good),
        reject=whole(update.reject),
        target=whole(update.target),
        percent=percent(update.efficiency),
        delta=delta,
        side=side,
        downtime=duration(update.downtime_s),
        why=update.why or "",
        product=update.product or "",
        speed=tenth(update.speed),
        target_speed=tenth(update.target_speed),
        share=_share(update.speed, update.target_speed),
        rate=tenth(update.rate),
        trend=trend,
        trend_text=trend_text,
        machines=machines,
        faults=tuple(_fault(fault, names, now) for fault in faults),
        plcs=tuple(_controller(plc, now) for plc in plcs),
        fresh=freshness_of(sources, now),
    )


def _since(at: datetime | None, now: datetime) -> str:
    return duration((now - at).total_seconds()) if at else ""


def _state(unit: EquipmentNow, fact: EquipmentState | None) -> str:
    """Return the state to show: a fact says it sooner than the next gauge does; a plan explains a stop."""
    state = fact.state if fact else unit.state
    planned = unit.planned_stop is not None and state not in {"running", "no_data"}
    return "planned" if planned else state


def _machine(
    unit: EquipmentNow,
    fact: EquipmentState | None,
    update: ProductionUpdate,
    lead: str | None,
    now: datetime,
) -> Machine:
    state = _state(unit, fact)
    since = fact.since if fact else unit.since
    reason = unit.planned_stop if state == "planned" else fact.reason if fact else None
    return Machine(
        code=unit.equipment_code,
        name=unit.name,
        state=state,
        word=WORDS[state],
        timer=_since(since, now),
        reason=reason or "",
        constraint=unit.equipment_code == update.constraint,
        lead=unit.equipment_code == lead,
        speed=tenth(unit.speed),
    )


def _lead(
    update: ProductionUpdate,
    states: dict[str, EquipmentState],
    faults: Sequence[EquipmentFault],
) -> str | None:
    """Return the first-out machine: of those in fault, the one whose stop began first."""
    began: dict[str, datetime] = {}
    for unit in update.equipment:
        fact = states.get(unit.equipment_code)
        since = fact.since if fact else unit.since
        if _state(unit, fact) == "faulted" and since is not None:
            first = next(
                (
                    fault.raised_at
                    for fault in faults
                    if fault.first_out and fault.equipment_code == unit.equipment_code
                ),
                since,
            )
            began[unit.equipment_code] = first
    return min(began, key=lambda code: began[code], default=None)


def _fault(fault: EquipmentFault, names: dict[str, str], now: datetime) -> OpenFault:
    return OpenFault(
        id=fault.id,
        name=names.get(fault.equipment_code, fault.equipment_code),
        text=fault.text,
        code=fault.code,
        severity=fault.severity,
        timer=_since(fault.raised_at, now),
        first="FIRST OUT" if fault.first_out else "",
    )


def _controller(plc: PlcStatus, now: datetime) -> Controller:
    return Controller(
        plc=plc.plc,
        name=plc.name,
        status=plc.status,
        word=_LINKS[plc.status],
        timer=_since(plc.since, now),
        error=plc.error or "",
    )


def _delta(update: ProductionUpdate) -> tuple[str, Literal["", "behind", "ahead"]]:
    """Return the whole pieces ahead of or behind the target as of now, and which of the two."""
    if update.target is None:
        return "", ""
    compared = update.good - update.good_aside
    # What was not measured stands in no comparison with a target of measured time.
    aside = f", of {whole(compared)} measured" if update.good_aside else ""
    pieces = whole(abs(compared - update.target))
    if pieces == "0":
        return f"on target{aside}", ""
    side: Literal["behind", "ahead"] = "behind" if compared < update.target else "ahead"
    return f"{pieces} {side}{aside}", side


def _trend(update: ProductionUpdate) -> tuple[Literal["", "up", "down", "flat"], str]:
    """Return the rate of the last ten minutes against the ten before, at the decimal that is shown."""
    if update.rate is None or update.rate_before is None:
        return "", ""
    moved = tenth(abs(update.rate - update.rate_before))
    if moved == "0.0":
        return "flat", "steady"
    if update.rate > update.rate_before:
        return "up", f"{moved} more than before"
    return "down", f"{moved} less than before"


def _share(speed: float | None, target: float | None) -> int | None:
    if speed is None or not target:
        return None
    return min(125, max(0, int(speed / target * 100 + 0.5)))
