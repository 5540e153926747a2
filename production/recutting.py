"""Time given to a stop, or taken from it, as the states of an equipment cut anew (pure)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from production.stops import NO_DATA, RUNNING
from production.timeline import Stretch, merge


@dataclass(frozen=True, slots=True)
class Told:
    """A state and why, as a span says it."""

    state: str
    reason: str = ""


Parts = Sequence[Stretch[Told]]


def stands(state: str) -> bool:
    """Whether it is known not to run."""
    return state not in {RUNNING, NO_DATA}


def give(
    parts: Parts, start: datetime, end: datetime, told: Told, *, over_no_data: bool = False
) -> list[Stretch[Told]]:
    """Return the parts with what ran in [start, end) standing as `told`; what stood already stays.

    Time without data stays without, unless `over_no_data`.
    """
    return _turn(
        parts,
        start,
        end,
        told,
        lambda state: over_no_data if state == NO_DATA else state == RUNNING,
    )


def take(
    parts: Parts, start: datetime, end: datetime, *, over_no_data: bool = False
) -> list[Stretch[Told]]:
    """Return the parts with what stood in [start, end) running. Time without data as in `give`."""
    return _turn(
        parts,
        start,
        end,
        Told(RUNNING),
        lambda state: over_no_data if state == NO_DATA else state != RUNNING,
    )


def _turn(
    parts: Parts, start: datetime, end: datetime, told: Told, is_turned: Callable[[str], bool]
) -> list[Stretch[Told]]:
    cut: list[Stretch[Told]] = []
    for part in parts:
        began, ended = max(part.started_at, start), min(part.ended_at, end)
        if began >= ended or not is_turned(part.what.state):
            cut.append(part)
            continue
        cut += _some(Stretch(part.what, part.started_at, began))
        cut.append(Stretch(told, began, ended))
        cut += _some(Stretch(part.what, ended, part.ended_at))
    return merge(cut)


def _some(part: Stretch[Told]) -> Iterable[Stretch[Told]]:
    return [part] if part.started_at < part.ended_at else []


def has_no_data(parts: Parts, start: datetime, end: datetime) -> bool:
    """Whether nobody measured some of [start, end), a hole between the parts included."""
    at = start
    for part in sorted(parts, key=lambda each: each.started_at):
        if part.what.state == NO_DATA or part.ended_at <= at or part.started_at >= end:
            continue
        if part.started_at > at:
            return True
        at = part.ended_at
    return at < end


def stands_from(parts: Parts, at: datetime) -> Told | None:
    """Return the state that holds from `at` on, if it is known not to run."""
    told = next((each.what for each in parts if each.started_at <= at < each.ended_at), None)
    return told if told is not None and stands(told.state) else None


def stood_until(parts: Parts, at: datetime) -> Told | None:
    """Return the state that held until `at`, if it is known not to have run."""
    told = next((each.what for each in parts if each.started_at < at <= each.ended_at), None)
    return told if told is not None and stands(told.state) else None
