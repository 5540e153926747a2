"""What a count of each kind adds to the good pieces and to all pieces (pure).

The same as `pieces`, but as sums: windows may be cut and equipment added up, since nothing is clamped.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from production.pieces import GOOD, REJECT, TOTAL


@dataclass(frozen=True, slots=True)
class Share:
    """How often a counted piece is a good one, and how often it is one at all."""

    good: int
    total: int


_NEITHER = Share(0, 0)
_BOTH = Share(1, 1)


def shares(kinds: Collection[str]) -> Mapping[str, Share]:
    """Return the share of each kind, for an equipment that counts these.

    Who counts all pieces and the rejects has their difference as good ones; who counts no total has good and
    rejects as all. A good or total piece that somebody enters where none is counted is one more.
    """
    if TOTAL not in kinds:
        return {GOOD: _BOTH, REJECT: Share(0, 1), TOTAL: _BOTH}
    if GOOD not in kinds:
        return {GOOD: _BOTH, REJECT: Share(-1, 0), TOTAL: _BOTH}
    return {GOOD: Share(1, 0), REJECT: _NEITHER, TOTAL: Share(0, 1)}
