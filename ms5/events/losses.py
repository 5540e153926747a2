"""Why positions in the log mean nothing any more (pure)."""

from enum import Enum


class Loss(Enum):
    """What the tail found."""

    EPOCH = "the log began a new life"
    GAP = "the log went back, or has a hole"
    MISTAKE = "the log is whole, and telling it failed"
