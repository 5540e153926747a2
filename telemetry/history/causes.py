"""What interrupts the machines of the bakery: which fault, how often, how long, and what people call it."""

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry.simulator import line_bag
from telemetry.simulator.bakery_tags import (
    BAG,
    BAGGER_BITS,
    CASE,
    CASEPACKER_BITS,
    LOAD,
    WEIGH,
    BitRow,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of stop, of so many seconds; the short ones are frequent. `bit` None: no message tells why."""

    state: str
    bit: int | None
    reason: str
    weight: float
    least_s: float
    most_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a line works: its constraint, the machine beside it, and what interrupts them."""

    line: str
    constraint: str
    beside: str
    message_tag: str
    bits: Mapping[int, BitRow]
    short: tuple[Cause, ...]
    long: tuple[Cause, ...]
    short_every_s: float
    long_every_s: float
    lost_every_s: float
    """How often the constraint's controller is not reached for a while."""
    speeds: Mapping[int, float]
    """Pieces a minute at best, by the number of the product."""
    names_product: bool
    """Whether the constraint's controller names the product, so that it can change."""
    unnamed: tuple[str, ...]
    """The machines of which a person has to say what they make."""
    reject_share: float
    rejects_at: str
    """Which of the two machines counts the rejects."""
    beside_per_piece: float
    """Pieces of the machine beside for each of the constraint."""


_B = line_bag
BAGGING = Profile(
    line="L-BAG1",
    constraint=BAG,
    beside=LOAD,
    message_tag="Messages",
    bits={row.bit: row for row in BAGGER_BITS},
    short=(
        Cause("faulted", _B.DOUBLE_LOAF, "MAT_JAM", 6, 12, 70),
        Cause("faulted", _B.SCOOP, "MAT_JAM", 3, 15, 100),
        Cause("blocked", _B.LOADER_HOLDS, "DOWNSTREAM_STOP", 4, 8, 90),
        Cause("faulted", _B.GUARD_OPEN, "MAT_JAM", 2, 20, 110),
        Cause("stopped", None, "OTHER", 2, 6, 60),
    ),
    long=(
        Cause("faulted", _B.DOUBLE_LOAF, "MAT_JAM", 7, 130, 600),
        Cause("faulted", _B.BROKEN_BLADE, "MECH_FAULT", 2, 500, 1800),
        Cause("faulted", _B.TORQUE, "MECH_FAULT", 2, 240, 1500),
        Cause("faulted", _B.NO_INFLATION, "MAT_QUALITY", 2, 150, 700),
        Cause("faulted", _B.METAL, "QUALITY_ISSUE", 1, 140, 420),
        Cause("faulted", _B.LOW_AIR, "MECH_FAULT", 1, 200, 2400),
        Cause("blocked", _B.LOADER_HOLDS, "DOWNSTREAM_STOP", 4, 130, 900),
        Cause("stopped", None, "UPSTREAM_STOP", 3, 180, 1500),
        Cause("stopped", None, "CLEANING", 1, 300, 900),
    ),
    short_every_s=620,
    long_every_s=3300,
    lost_every_s=50_000,
    speeds={1: 100.0, 2: 80.0, 3: 60.0},
    names_product=True,
    unnamed=(LOAD,),
    reject_share=0.016,
    rejects_at=BAG,
    beside_per_piece=0.98,
)
PACKING = Profile(
    line="L-PACK2",
    constraint=CASE,
    beside=WEIGH,
    message_tag="Alarms",
    bits={row.bit: row for row in CASEPACKER_BITS},
    short=(
        Cause("faulted", 1, "MAT_JAM", 5, 10, 90),
        Cause("starved", None, "UPSTREAM_STOP", 6, 10, 100),
        Cause("stopped", 0, "MAT_SHORTAGE", 2, 20, 110),
    ),
    long=(
        Cause("faulted", 1, "MAT_JAM", 5, 130, 700),
        Cause("stopped", 0, "MAT_SHORTAGE", 4, 140, 1200),
        Cause("faulted", 2, "ELEC_FAULT", 1, 300, 1800),
        Cause("starved", None, "UPSTREAM_STOP", 5, 150, 1200),
    ),
    short_every_s=720,
    long_every_s=3600,
    lost_every_s=70_000,
    speeds={1: 8.0},
    names_product=False,
    unnamed=(WEIGH, CASE),
    reject_share=0.014,
    rejects_at=WEIGH,
    beside_per_piece=12.2,
)
PROFILES = (BAGGING, PACKING)
