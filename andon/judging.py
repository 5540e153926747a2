"""What a rule makes of what it sees: whether it is for it, and whether now is the time to call (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, assert_never

from andon.choices import Priority, RuleKind
from production.oee import Plan

RANK = {priority.value: rank for rank, priority in enumerate(Priority)}
LONGEST_TEXT = 500
STANDING = frozenset({"stopped", "faulted", "idle", "setup"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something that lasts, or no longer does, as a fact tells it."""

    kind: RuleKind
    subject: str
    equipment_code: str | None
    lasts: bool
    since: datetime
    text: str
    severity: str = ""
    code: str = ""
    reason_code: str | None = None


def sightings(type_: str, data: Mapping[str, Any]) -> list[Sighting]:
    """Return what rules look at in a fact; nothing in most."""
    match type_:
        case "equipment_fault":
            return [_fault(data)]
        case "downtime_event":
            return [_stop(data, kind) for kind in (RuleKind.REASON, RuleKind.LONG_STOP)]
        case "quality_alert":
            return [_alert(data)]
        case "plc_status":
            return [_controller(data)]
    return []


def _fault(data: Mapping[str, Any]) -> Sighting:
    return Sighting(
        kind=RuleKind.MESSAGE_BIT,
        subject=f"fault:{data['id']}",
        equipment_code=data["equipment_code"],
        lasts=data["cleared_at"] is None,
        since=_moment(data["raised_at"]),
        text=data["text"],
        severity=data["severity"],
        code=data["code"],
        reason_code=data["reason_code"],
    )


def _stop(data: Mapping[str, Any], kind: RuleKind) -> Sighting:
    """Return a stop; its reason is that of a person, else what its first fault stands for."""
    reason = data["reason"] or data["suggested_reason"]
    return Sighting(
        kind=kind,
        subject=f"downtime:{data['id']}",
        equipment_code=data["equipment_code"],
        lasts=data["ended_at"] is None,
        since=_moment(data["started_at"]),
        text=reason or data["fault"] or "It stands, and nobody has said why.",
        reason_code=data["reason_code"] or data["suggested_reason_code"],
    )


def _alert(data: Mapping[str, Any]) -> Sighting:
    metric = str(data["metric"]).replace("_", " ")
    value = "" if data["value"] is None else f" {data['value']:.1%}"
    return Sighting(
        kind=RuleKind.QUALITY_ALERT,
        subject=f"alert:{data['id']}",
        equipment_code=data["equipment_code"],
        lasts=data["cleared_at"] is None and data["severity"] == "critical",
        since=_moment(data["opened_at"]),
        text=f"{metric.capitalize()}{value}, the limit is {data['threshold']:.1%}.",
        severity=data["severity"],
    )


def _controller(data: Mapping[str, Any]) -> Sighting:
    error = f": {data['error']}" if data["error"] else "."
    return Sighting(
        kind=RuleKind.LOST_PLC,
        subject=f"plc:{data['plc']}",
        equipment_code=None,
        # Facts of an older version do not say whether it has left the line.
        lasts=data["status"] == "lost" and data.get("left_at") is None,
        since=_moment(data["since"]),
        text=f"Controller {data['name']} does not answer{error}",
    )


def _moment(told: str | datetime) -> datetime:
    return told if isinstance(told, datetime) else datetime.fromisoformat(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a rule asks for; empty and None mean any."""

    kind: RuleKind
    line_id: int | None = None
    equipment_code: str | None = None
    message: str = ""
    least_severity: str = Priority.LOW
    reason_code: str | None = None
    category: str
    priority: str = ""
    text: str = ""
    delay_s: int = 0


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a downtime reason stands for; empty: for no call, None: it may last."""

    category: str = ""
    priority: str = ""
    after_min: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The call that a rule would raise from `due_at` on, if that still lasts."""

    category: str
    priority: str
    due_at: datetime
    text: str


def wanted(
    terms: Terms, line_id: int, seen: Sighting, meanings: Mapping[str, Meaning]
) -> Wanted | None:
    """Return the call the rule would raise; None where it is not for it, or that does not last."""
    if not seen.lasts or not _is_for(terms, line_id, seen):
        return None
    meaning = meanings.get(seen.reason_code or "", Meaning())
    category, priority = terms.category, terms.priority
    delay_s: float = terms.delay_s
    match seen.kind:
        case RuleKind.MESSAGE_BIT:
            priority = priority or seen.severity
        case RuleKind.REASON:
            if not meaning.category:
                return None
            category, priority = meaning.category, priority or meaning.priority
        case RuleKind.LONG_STOP:
            if seen.reason_code is not None:
                if meaning.after_min is None:
                    return None
                delay_s = meaning.after_min * 60
            category, priority = meaning.category or category, priority or meaning.priority
        case RuleKind.QUALITY_ALERT | RuleKind.LOST_PLC | RuleKind.DEAD_DELIVERY:
            pass
        case _:
            assert_never(seen.kind)
    said = f"{terms.text} {seen.text}".strip()[:LONGEST_TEXT]
    due_at = seen.since + timedelta(seconds=delay_s)
    return Wanted(category, priority or Priority.MEDIUM.value, due_at, said)


def _is_for(terms: Terms, line_id: int, seen: Sighting) -> bool:
    if terms.kind is not seen.kind or terms.line_id not in {None, line_id}:
        return False
    if terms.equipment_code not in {None, seen.equipment_code}:
        return False
    if terms.reason_code not in {None, seen.reason_code}:
        return False
    if seen.kind is not RuleKind.MESSAGE_BIT:
        return True
    # Square brackets are part of a code, and no pattern.
    pattern = terms.message.replace("[", "[[]")
    is_named = not pattern or fnmatchcase(seen.code, pattern)
    return is_named and RANK[seen.severity] >= RANK[terms.least_severity]


class Verdict(StrEnum):
    """What a rule does now about what it watches."""

    RAISE = "raise"
    WAIT = "wait"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, and why."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """When a rule says nothing."""

    in_changeover: bool = True
    in_planned_stop: bool = True
    in_breaks: bool = True
    behind_a_stop: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """An equipment of the line: its place in the flow, and its state."""

    name: str
    position: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How it stands on the line, and with the equipment if there is one."""

    is_changing_over: bool = False
    is_planned_stop: bool = False
    plan: Plan = Plan.SCHEDULED
    own: Standing | None = None
    others: Sequence[Standing] = ()


def decide(
    now: datetime, due_at: datetime, quiet: Quiet, circumstances: Circumstances
) -> Decision:
    """Return whether to call now, and why not; whoever asks again later may hear otherwise."""
    if now < due_at:
        return Decision(Verdict.WAIT, "It has not lasted long enough.")
    if quiet.in_changeover and circumstances.is_changing_over:
        return Decision(Verdict.QUIET, "The line is changing over.")
    if quiet.in_planned_stop and circumstances.is_planned_stop:
        return Decision(Verdict.QUIET, "It stands as planned.")
    if quiet.in_breaks and circumstances.plan is not Plan.SCHEDULED:
        return Decision(Verdict.QUIET, "The line is not planned to produce now.")
    if quiet.behind_a_stop and (cause := _waits_for(circumstances)):
        return Decision(Verdict.QUIET, f"It waits for {cause.name}, which stands.")
    return Decision(Verdict.RAISE)


def _waits_for(circumstances: Circumstances) -> Standing | None:
    """Return the standing equipment that this one waits for: before a starved one, behind a blocked one."""
    own = circumstances.own
    if own is None or own.state not in {"starved", "blocked"}:
        return None
    standing = [each for each in circumstances.others if each.state in STANDING]
    if own.state == "starved":
        before = [each for each in standing if each.position < own.position]
        return max(before, key=lambda each: each.position, default=None)
    behind = [each for each in standing if each.position > own.position]
    return min(behind, key=lambda each: each.position, default=None)
