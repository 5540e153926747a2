"""The loss waterfall: from all time down to what was fully productive, as bars (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from realtime.formats import NOTHING, tenth

WIDTH = 1000
Kind = Literal["whole", "lost", "gain"]

# In the order of the fall: a whole, then what is lost of it until the next whole.
_ROWS: tuple[tuple[str, str, Kind], ...] = (
    ("all", "All time", "whole"),
    ("not_scheduled", "Not scheduled", "lost"),
    ("planned_stop", "Planned stops and breaks", "lost"),
    ("no_data", "No data", "lost"),
    ("ppt", "Planned production time", "whole"),
    ("stop", "Unplanned stops", "lost"),
    ("changeover", "Changeover", "lost"),
    ("run", "Run time", "whole"),
    ("small_stop", "Small stops", "lost"),
    ("slow_cycle", "Slow cycles", "lost"),
    ("speed", "Reduced speed", "lost"),
    ("net", "Net run time", "whole"),
    ("reject", "Rejects", "lost"),
    ("productive", "Fully productive", "whole"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the waterfall; `x` and `width` are of a drawing 1,000 wide."""

    name: str
    minutes: str
    seconds: str
    share: str
    kind: Kind
    x: float
    width: float


def draw_waterfall(lost: Mapping[str, Decimal | None]) -> Sequence[Bar]:
    """Return the bars of `Figures.lost`; shares are of the planned production time.

    What is lost below zero (pieces that took less than their ideal cycle) is drawn as a gain. What nobody can
    know has no bar, nor has what would follow from it.
    """
    whole = lost["all"] or Decimal(0)
    ppt = lost["ppt"] or Decimal(0)
    bars, left = [], whole
    for key, name, kind in _ROWS:
        length = lost[key]
        if length is None:
            bars.append(Bar(name, NOTHING, NOTHING, "", kind, 0, 0))
            continue
        drawn = kind
        if kind == "whole":
            left = length
            began = Decimal(0)
        else:
            left -= length
            began = left
            if length < 0:
                drawn, began = "gain", left + length
        bars.append(
            Bar(
                name=name,
                minutes=tenth(float(length) / 60),
                seconds=f"{length.normalize():f}",
                share=f"{tenth(float(length / ppt) * 100)} %" if ppt else "",
                kind=drawn,
                x=_scaled(max(Decimal(0), began), whole),
                width=_scaled(abs(length), whole),
            )
        )
    return bars


def _scaled(length: Decimal, whole: Decimal) -> float:
    return round(float(length / whole) * WIDTH, 2) if whole else 0.0
