"""A small bakery that runs by itself, step by step, the same for the same seed (pure)."""

import random
from collections.abc import Callable

from telemetry.packml import PRODUCTION
from telemetry.simulator.line_bag import (
    COUNTER_MODULUS,
    JAMS,
    LOADER_MODULUS,
    Bagger,
    Loader,
)
from telemetry.simulator.line_pack import FLAP_JAM, CasePacker, Checkweigher, PackML
from telemetry.simulator.memory import SimValue

STEP_S = 0.25


class Bakery:
    """Two lines: bagger and basket loader, checkweigher and case packer."""

    def __init__(self, seed: int = 1) -> None:
        # One source of chance each, so that forcing one machine does not change another.
        self.bagger = Bagger(random.Random(seed))
        self.loader = Loader(random.Random(seed + 1))
        self.checkweigher = Checkweigher(random.Random(seed + 2))
        self.casepacker = CasePacker(random.Random(seed + 3))
        self._rest_s = 0.0

    def step(self, dt_s: float) -> None:
        """Let so much time of the bakery pass; the remainder of a quarter second is kept."""
        self._rest_s += dt_s
        while self._rest_s >= STEP_S:
            self._rest_s -= STEP_S
            self.loader.step(STEP_S, self.bagger.step(STEP_S, self.loader.lane))
            self.casepacker.step(STEP_S, self.checkweigher.step(STEP_S))

    def hold(self, plc: str) -> None:
        """Jam a machine until it is released. Raises KeyError for one that cannot jam."""
        hold: dict[str, Callable[[], None]] = {
            "bagger": self._hold_bagger,
            "casepacker": self._hold_casepacker,
        }
        hold[plc]()

    def release(self, plc: str) -> None:
        """Let a held machine recover as after any jam. Raises KeyError."""
        machines: dict[str, Bagger | CasePacker] = {
            "bagger": self.bagger,
            "casepacker": self.casepacker,
        }
        machine = machines[plc]
        machine.held = False
        machine.left_s = min(machine.left_s, 1.0)

    def offline(self) -> set[str]:
        """The PLCs that are off the network now."""
        return {"checkweigher"} if self.checkweigher.offline else set()

    def values(self) -> dict[str, dict[str, SimValue]]:
        """What each PLC has in its memory now, by the names of `bakery_tags`."""
        bagger, loader = self.bagger, self.loader
        weigher, packer = self.checkweigher, self.casepacker
        return {
            "bagger": {
                "MC_Avg_Speed": bagger.shown_speed(),
                "Current_Product": bagger.product,
                "Count_Blade_PEC.ACC": bagger.total % COUNTER_MODULUS,
                "Reject_Count": bagger.rejects % COUNTER_MODULUS,
                "AllDrivesEnabled": bagger.phase != "setup",
                "Fault": bagger.bits(),
            },
            "loader": {
                "BL_Running": loader.running,
                "BL_Speed": round(loader.speed, 2) if loader.running else 0.0,
                "BL_Count": loader.count % LOADER_MODULUS,
                "BL_Starved": loader.starved,
                "BL_Blocked": loader.blocked,
            },
            "checkweigher": {
                "State": int(weigher.state),
                "Speed": round(weigher.speed, 2) if weigher.speed >= 1 else 0.0,
                "Total": weigher.total,
                "Reject": weigher.rejects,
            },
            "casepacker": {
                "State": int(packer.state),
                "Speed": round(packer.speed, 2) if packer.speed >= 0.1 else 0.0,
                "Count": packer.count,
                "Alarms": packer.alarms,
                "UnitMode": PRODUCTION,
                "NoPacks": int(packer.state is PackML.SUSPENDED),
            },
        }

    def _hold_bagger(self) -> None:
        self.bagger.held = True
        self.bagger.start_jam(JAMS[0])

    def _hold_casepacker(self) -> None:
        self.casepacker.held = True
        self.casepacker.start_trouble(FLAP_JAM)
