"""The machine of a call: its moves, and to which status each leads (pure)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from andon.choices import CallStatus


class Move(StrEnum):
    """What people do to a call."""

    ACKNOWLEDGE = "acknowledge"
    ARRIVE = "arrive"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    COMMENT = "comment"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


GOING = (CallStatus.OPEN, CallStatus.ACKNOWLEDGED, CallStatus.ARRIVED)
OVER = (CallStatus.RESOLVED, CallStatus.CANCELLED)


def moves(move: Move) -> Mapping[CallStatus, CallStatus]:
    """Return to which status the move leads, by the status it may be made from.

    Who is there has said so: arriving and resolving answer the call too. One that has been answered is
    acknowledged anew where it climbs again, since it was not resolved in time.
    """
    waiting, coming, there = GOING
    match move:
        case Move.ACKNOWLEDGE:
            return {waiting: coming, coming: coming, there: there}
        case Move.ARRIVE:
            return {waiting: there, coming: there}
        case Move.RESOLVE:
            return dict.fromkeys(GOING, CallStatus.RESOLVED)
        case Move.CANCEL:
            return dict.fromkeys(GOING, CallStatus.CANCELLED)
        case Move.COMMENT:
            return {status: status for status in (*GOING, *OVER)}
        case Move.SHELVE | Move.UNSHELVE:
            return {waiting: waiting}
        case _:
            assert_never(move)


def after(move: Move, status: CallStatus) -> CallStatus | None:
    """Return the status after the move; None if it cannot be made from this one."""
    return moves(move).get(status)
