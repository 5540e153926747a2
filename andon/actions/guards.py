"""Who may do what to a call, and what stands against it: each refusal with its sentence."""

from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from andon.choices import CallStatus, Category, EscalationStatus, Priority
from andon.models import AndonCall
from andon.public import name_of
from andon.transitions import Move, after
from ms5.accounts.models import User
from production.actions.job_guards import sees
from production.models import Line
from production.refusals import ActionRefused, NotAllowed, demand_version

RAISE, ANSWER = "andon.add_andoncall", "andon.change_andoncall"
ANSWER_ANY, SHELVE = "andon.answer_any_andoncall", "andon.shelve_andoncall"

_CANNOT_BE = {
    Move.ACKNOWLEDGE: "acknowledged",
    Move.ARRIVE: "reached",
    Move.RESOLVE: "resolved",
    Move.CANCEL: "cancelled",
    Move.COMMENT: "commented on",
    Move.SHELVE: "shelved",
    Move.UNSHELVE: "taken off the shelf",
}


def demand_caller(actor: User, line: Line) -> None:
    """Raise NotAllowed unless the actor raises calls, and may see the line."""
    if not actor.has_perm(RAISE) or not sees(actor, line):
        raise NotAllowed("Raising a call here is not for you.")


def demand_answerer(actor: User, call: AndonCall) -> None:
    """Raise NotAllowed unless the actor answers calls of this category, and may see its line."""
    if not actor.has_perm(ANSWER) or not sees(actor, call.line):
        raise NotAllowed("Answering calls is not for you.")
    if call.category != Category.QUALITY and not actor.has_perm(ANSWER_ANY):
        raise NotAllowed("You answer calls about quality.")


def demand_own(actor: User, call: AndonCall) -> None:
    """Raise NotAllowed unless the actor raised the call, and may see its line."""
    is_own = call.raised_by_id is not None and call.raised_by_id == actor.pk
    if not is_own or not actor.has_perm(RAISE) or not sees(actor, call.line):
        raise NotAllowed("Only who raised a call cancels it; others resolve it.")


def demand_voice(actor: User, call: AndonCall) -> None:
    """Raise NotAllowed unless the actor raises or answers calls, and may see the line."""
    if not (actor.has_perm(RAISE) or actor.has_perm(ANSWER)) or not sees(actor, call.line):
        raise NotAllowed("Commenting on calls is not for you.")


def demand_shelver(actor: User, call: AndonCall) -> None:
    """Raise NotAllowed unless the actor shelves calls, and may see the line."""
    if not actor.has_perm(SHELVE) or not sees(actor, call.line):
        raise NotAllowed("Shelving calls is for the supervisors of the line.")


def demand_shelvable(call: AndonCall) -> None:
    """Raise ActionRefused for what must not rest."""
    if call.priority == Priority.CRITICAL:
        raise ActionRefused("critical", "A critical call is never shelved.", call)


def demand_move(call: AndonCall, move: Move, version: int | None) -> None:
    """Raise ActionRefused unless the move can be made from its status, seen in this version."""
    status = CallStatus(call.status)
    if after(move, status) is None or (move is Move.ACKNOWLEDGE and is_answered(call)):
        raise ActionRefused("wrong_status", _present(call, move), call)
    demand_version(call, version)


def is_answered(call: AndonCall) -> bool:
    """Whether somebody comes already, and has not run out of time since."""
    is_open = call.escalation.status == EscalationStatus.OPEN
    return call.status != CallStatus.OPEN and not is_open


def _present(call: AndonCall, move: Move) -> str:
    """Return by whom and when it came to be as it is, and what of it cannot be done any more."""
    match CallStatus(call.status):
        case CallStatus.RESOLVED:
            done = (
                f"{name_of(call.resolved_by) or 'MS5'} resolved it{_at(call, call.resolved_at)}"
            )
        case CallStatus.CANCELLED:
            done = f"{name_of(call.cancelled_by)} cancelled it{_at(call, call.cancelled_at)}"
        case CallStatus.ARRIVED:
            done = f"{name_of(call.arrived_by)} is there{_at(call, call.arrived_at, 'since')}"
        case CallStatus.ACKNOWLEDGED | CallStatus.OPEN:  # nothing is refused of an open one
            who = name_of(call.acknowledged_by)
            done = f"{who} acknowledged it{_at(call, call.acknowledged_at)}"
        case other:
            assert_never(other)
    return f"{done}: it cannot be {_CANNOT_BE[move]} any more."


def _at(call: AndonCall, moment: datetime | None, word: str = "at") -> str:
    """Return the time by the wall clock of the site."""
    if moment is None:
        return ""
    zone = ZoneInfo(call.line.area.site.time_zone)
    return f" {word} {moment.astimezone(zone):%H:%M:%S}"
