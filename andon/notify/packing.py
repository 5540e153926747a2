"""Which of the messages that wait for a person go alone, and which together (pure)."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_A_MINUTE = 5
"""Messages to one address within a minute; a digest is one."""


def packed(waiting: Sequence[T], sent_in_the_last_minute: int) -> list[tuple[T, ...]]:
    """Return the messages to send now, each with what it carries, in the order in which they waited.

    As long as there is room each goes alone. When more waits than may go, the last that may go carries all
    the rest. Nothing is left out: where no more may go now, all of it waits.
    """
    free = max(0, MOST_A_MINUTE - sent_in_the_last_minute)
    if not waiting or free == 0:
        return []
    if len(waiting) <= free:
        return [(one,) for one in waiting]
    alone = free - 1
    return [*((one,) for one in waiting[:alone]), tuple(waiting[alone:])]
