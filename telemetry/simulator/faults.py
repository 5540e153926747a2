"""How a simulated controller is told to misbehave, and what it counts."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Faults:
    """What goes wrong with the replies (of EtherNet/IP: to connected messages), for `replies` of them.

    Zero, False and None are good behaviour. `replies` counts down as replies are spoilt; None
    spoils all until the fault is taken back.
    """

    delay_s: float = 0.0
    """The reply comes this much later: late, when the client has given up by then."""
    drop: bool = False
    """No reply at all."""
    stale: bool = False
    """The reply to the request before this one, in its place."""
    close_mid: bool = False
    """Half a reply, then the end of the stream."""
    stall_mid: bool = False
    """Half a reply, then nothing."""
    misnumbered: bool = False
    """The reply carries the number of another request; on a serial line, of another device."""
    twice_after_s: float = 0.0
    """The reply comes, and once more after this time (Modbus)."""
    other_session: bool = False
    """The reply of EtherNet/IP is of another session."""
    short: bool = False
    """A reply that is framed and numbered as it should be, with two bytes of values missing."""
    drip_s: float = 0.0
    """A byte at a time with this pause between them."""
    garbage: bytes = b""
    """These bytes instead of the reply."""
    message: bytes | None = None
    """These bytes as the CIP message of a reply that is framed and numbered as it should be."""
    replies: int | None = None

    def due(self) -> bool:
        """True when the next reply is to be spoilt, which counts it."""
        if self.replies is None:
            return True
        self.replies -= 1
        return self.replies >= 0


@dataclass(slots=True)
class Stats:
    """What a simulated controller has seen since it was made."""

    connections: int = 0
    forward_opens: int = 0
    forward_closes: int = 0
    writes: int = 0
    services: Counter[int] = field(default_factory=Counter)
    functions: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Commands and functions of PCCC."""
