"""The machine of a job, and how far it is: its moves, progress, rate and estimated end (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from production.choices import JobStatus
from production.oee import Plan
from production.timeline import Stretch

MINUTE = timedelta(minutes=1)


class Move(StrEnum):
    """What people do to a job. Reaching its target is `complete`."""

    CHANGE = "change"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    ACCEPT = "accept"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    CANCEL = "cancel"


QUEUED = frozenset({JobStatus.PLANNED, JobStatus.ASSIGNED, JobStatus.ACCEPTED})
BEGUN = frozenset({JobStatus.RUNNING, JobStatus.PAUSED})
OVER = frozenset({JobStatus.COMPLETED, JobStatus.CANCELLED})


def moves(move: Move) -> Mapping[JobStatus, JobStatus]:  # noqa: PLR0911 - a table, a row each
    """Return to which status the move leads, by the status it may be made from.

    Acceptance may be skipped. A job that has begun can be handed to another operator, and never loses its own.
    """
    planned, assigned, accepted = JobStatus.PLANNED, JobStatus.ASSIGNED, JobStatus.ACCEPTED
    running, paused = JobStatus.RUNNING, JobStatus.PAUSED
    match move:
        case Move.CHANGE:
            return {status: status for status in QUEUED}
        case Move.ASSIGN:
            queued = dict.fromkeys(QUEUED, assigned)
            return queued | {status: status for status in BEGUN}
        case Move.UNASSIGN:
            return {assigned: planned, accepted: planned}
        case Move.ACCEPT:
            return {assigned: accepted}
        case Move.START:
            return {assigned: running, accepted: running}
        case Move.PAUSE:
            return {running: paused}
        case Move.RESUME:
            return {paused: running}
        case Move.COMPLETE:
            return dict.fromkeys(BEGUN, JobStatus.COMPLETED)
        case Move.CANCEL:
            return dict.fromkeys(QUEUED | BEGUN, JobStatus.CANCELLED)
        case _:
            assert_never(move)


def after(move: Move, status: JobStatus) -> JobStatus | None:
    """Return the status after the move; None where it cannot be made."""
    return moves(move).get(status)


def is_reached(good: int, target: int | None) -> bool:
    """Whether the good pieces wanted are made; without a target they never are."""
    return target is not None and good >= target


def progress(good: int, target: int | None) -> float | None:
    """Return good / target, never clamped; None without a target."""
    return None if target is None else good / target


@dataclass(frozen=True, slots=True)
class End:
    """When a job will be done; `why` nobody can tell."""

    at: datetime | None
    why: str | None


def rate(good: int, measured: timedelta) -> float | None:
    """Return good pieces a minute of measured time; None if there is none."""
    return good / (measured / MINUTE) if measured else None


def end(
    remaining: int | None,
    per_minute: float | None,
    now: datetime,
    plan: Iterable[Stretch[Plan]],
) -> End:
    """Return when the remaining pieces are made if the rate stays, working only when it is scheduled.

    `plan` begins at `now`, in order; beyond its end nobody knows.
    """
    if remaining is None:
        return End(None, "no target is set")
    if remaining == 0:
        return End(None, "the target is reached")
    if per_minute is None:
        return End(None, "nothing was measured yet")
    if per_minute <= 0:
        return End(None, "no good piece was made of late")
    wanted_s = remaining * 60 / per_minute
    last = now
    for stretch in plan:
        last = stretch.ended_at
        if stretch.what != Plan.SCHEDULED:
            continue
        length_s = stretch.length / timedelta(seconds=1)
        if wanted_s <= length_s:
            return End(stretch.started_at + timedelta(seconds=wanted_s), None)
        wanted_s -= length_s
    return End(None, f"not within {(last - now).days} days at this rate")
