"""What the rules of a client ask for: of its socket, of its board, of the person (pure)."""

from dataclasses import dataclass
from typing import Any, Literal

Message = dict[str, Any]
Action = Literal["reconnect", "login", "reload", "stop"]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a new socket."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Let the present socket go, without waiting for a peer that may not answer."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this as one text frame."""

    message: Message


@dataclass(frozen=True, slots=True)
class Apply:
    """Fold this message into the board: it is no duplicate, and nothing before it is missing."""

    message: Message


@dataclass(frozen=True, slots=True)
class Rewind:
    """What was applied above these positions is given again: something among it was missing."""

    positions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone; the next attempt is made after `delay_ms`."""

    message: str
    delay_ms: float


@dataclass(frozen=True, slots=True)
class Ended:
    """There will be no other attempt."""

    action: Action
    message: str


Output = Connect | Drop | Send | Apply | Rewind | Lost | Ended


def is_whole(snapshot: Message) -> bool:
    """Whether a line that the snapshot does not name is not there any more, or not for us."""
    return (
        snapshot["subscription_type"] == "line"
        and snapshot["target_id"] == "all"
        and not snapshot.get("partial", False)
    )
