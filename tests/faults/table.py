"""The table as data: what is hurt, how, and what must come of it. Nothing lost is a part of every row."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.case import Case
from tests.faults.hurts import base, guests, layer, plcs, web, work
from tests.faults.verdict import Verdict

Check = Callable[[Verdict], str]


def _nothing_more(_: Verdict) -> str:
    return ""


def closed_with(code: int) -> Check:
    """Some client was closed with this code."""

    def check(verdict: Verdict) -> str:
        return "" if verdict.closes[f"close {code}"] else f"nobody was closed with {code}"

    return check


def whole(verdict: Verdict) -> str:
    """Nobody had to begin anew: every missed fact was replayed."""
    return f"{dict(verdict.breaks)} streams began anew" if verdict.breaks else ""


def told(verdict: Verdict) -> str:
    """Gaps were announced, and nobody had to find out."""
    return "" if verdict.breaks["told"] else "no gap was announced"


def both(first: Check, second: Check) -> Check:
    return lambda verdict: first(verdict) or second(verdict)


@dataclass(frozen=True, slots=True)
class Row:
    """`errors` are pieces of log lines at ERROR that the fault explains; `per_s` are deeds of each writer."""

    name: str
    hurt: Callable[[Case], None]
    expected: str
    check: Check = _nothing_more
    engine: str = "postgresql"
    fronts: bool = False
    per_s: float = 15.0
    errors: tuple[str, ...] = ()


AWAY = ("OperationalError", "InterfaceError", "database", "connection")
BROKER = (
    "Redis",
    "redis",
    "Connection",
    "connect",
    "timed out",
    "Timeout",
    "maxmemory",
    "hostname",
)
CONTINUITY = ("the log lost continuity",)

TABLE: tuple[Row, ...] = (
    Row("web killed (-9)", web.killed, "clients resume at the other process", whole),
    Row(
        "web ended (SIGTERM)",
        web.ended,
        "closed with 1012; clients resume at the other process",
        both(closed_with(1012), whole),
    ),
    Row("web frozen for 3 s", web.frozen, "nobody notices more than a delay", whole),
    Row(
        "poll, worker, beat killed (-9)", work.killed, "each effect once", whole, errors=BROKER
    ),
    Row("beat gone", work.beat_gone, "health says so; made good afterwards", whole),
    Row("two beats, two workers, two polls", work.doubled, "each effect once", whole),
    Row("Redis killed", layer.killed, "facts arrive as ever", whole, errors=BROKER),
    Row("Redis restarted", layer.restarted, "facts arrive as ever", whole, errors=BROKER),
    Row("Redis flushed", layer.emptied, "facts arrive as ever", whole, errors=BROKER),
    Row("Redis frozen", layer.frozen, "facts arrive as ever", whole, errors=BROKER),
    Row("Redis full", layer.full, "facts arrive as ever", whole, errors=BROKER),
    Row("wire between web and Redis", layer.wire, "facts arrive as ever", whole, errors=BROKER),
    Row(
        "database crashed",
        base.crashed,
        "nothing committed is lost; all come back by themselves",
        errors=AWAY,
    ),
    Row(
        "database out of reach",
        base.unreachable,
        "no pile-up; what was committed meanwhile arrives",
        errors=AWAY,
    ),
    Row(
        "wire between web and database",
        base.wire,
        "what was committed meanwhile arrives",
        errors=AWAY,
    ),
    Row(
        "SQLite locked by another process",
        base.locked,
        "writers wait, or fail and say so",
        engine="sqlite",
        errors=AWAY,
    ),
    Row("a line's stream held", base.held, "the other lines are not affected", whole),
    Row(
        "commits out of order", base.out_of_order, "all delivered, each stream in order", whole
    ),
    Row(
        "backup restored under clients",
        base.restored,
        "told, and a snapshot",
        told,
        errors=CONTINUITY + AWAY,
    ),
    Row(
        "backup restored while clients are away",
        base.restored_while_away,
        "another history is noticed; told, and a snapshot",
        told,
        fronts=True,
        errors=CONTINUITY + AWAY,
    ),
    Row("new epoch", base.renewed, "told, and a snapshot", told, errors=CONTINUITY),
    Row(
        "controllers off, half open, dripping, slow",
        plcs.silent,
        "no_data, never a number; the others are read on time",
        whole,
    ),
    Row(
        "controllers lying, cut, repeating, resetting",
        plcs.lying,
        "never an invented piece; read again afterwards",
        whole,
    ),
    Row(
        "clients that never read, or one frame a second",
        guests.deaf,
        "cut off or complete; nobody else is kept waiting",
    ),
    Row("clients come under load", guests.newcomers, "each snapshot is the log's", whole),
    Row(
        "clients cut off again and again",
        guests.cut,
        "every replay is whole",
        whole,
        fronts=True,
    ),
    Row("clients away", guests.away, "the replay brings all", whole, fronts=True),
    Row("clients away, log pruned", guests.pruned, "the gap is announced", told, fronts=True),
    Row("clients away too far", guests.too_far, "the gap is announced", told, fronts=True),
    Row("wire between clients and web", guests.wire, "clients come back", whole, fronts=True),
    Row(
        "500 clients cut off at once",
        guests.storm,
        "all live again within 30 s, with few readings",
        whole,
        fronts=True,
        # Each deed goes to some hundred clients, which share one process and its core.
        per_s=2.0,
    ),
)
