"""The bakery that plays a script: one line does what is written, the other goes its own way (pure)."""

from collections.abc import Sequence

from telemetry.scripted.script import SECOND_US, Placed, Script, at
from telemetry.simulator.bakery import Bakery
from telemetry.simulator.line_bag import COUNTER_MODULUS, LOADER_MODULUS, MACHINE_RUNNING
from telemetry.simulator.memory import SimValue

BITS = 64


def values(script: Script, moment_us: int) -> dict[str, dict[str, SimValue]]:
    """Return what bagger and loader have in their memories so long after the beginning."""
    return {
        "bagger": _bagger(tuple(script.bagger.placed()), moment_us, script.bags_at_first),
        "loader": _loader(tuple(script.loader.placed()), moment_us),
    }


def lost(acts: Sequence[Placed], moment_us: int) -> bool:
    """Whether the controller does not answer at this moment."""
    return any(
        each.act.lost and each.began * SECOND_US < moment_us < each.ended * SECOND_US
        for each in acts
    )


def _bagger(acts: Sequence[Placed], moment_us: int, at_first: int) -> dict[str, SimValue]:
    placed = at(acts, moment_us)
    moment_us = min(moment_us, placed.ended * SECOND_US)
    act = placed.act
    on = {*act.bits, MACHINE_RUNNING} if act.state == "running" else set(act.bits)
    return {
        "MC_Avg_Speed": act.made * 60 / act.seconds,
        "Current_Product": act.product,
        "Count_Blade_PEC.ACC": (at_first + placed.made(moment_us)) % COUNTER_MODULUS,
        "Reject_Count": placed.rejects(moment_us) % COUNTER_MODULUS,
        "AllDrivesEnabled": act.product == 1 or act.state == "running",
        "Fault": [bit in on for bit in range(BITS)],
    }


def _loader(acts: Sequence[Placed], moment_us: int) -> dict[str, SimValue]:
    placed = at(acts, moment_us)
    moment_us = min(moment_us, placed.ended * SECOND_US)
    state = placed.act.state
    return {
        "BL_Running": state == "running",
        "BL_Speed": placed.act.made * 60 / placed.act.seconds,
        "BL_Count": placed.made(moment_us) % LOADER_MODULUS,
        "BL_Starved": state == "starved",
        "BL_Blocked": state == "blocked",
    }


class ScriptedBakery(Bakery):
    """Stands at the beginning of its script until `play` is called, and at its end when it is over."""

    def __init__(self, script: Script, seed: int = 1) -> None:
        super().__init__(seed)
        self.script = script
        self._acts = tuple(script.bagger.placed())
        self._played_us: int | None = None

    def play(self) -> None:
        """Begin, or begin again: what counters showed is then shown again."""
        self._played_us = 0

    @property
    def played_s(self) -> float | None:
        """Seconds of the script that have passed; None before it began."""
        return None if self._played_us is None else self._played_us / SECOND_US

    def step(self, dt_s: float) -> None:
        super().step(dt_s)
        if self._played_us is not None:
            self._played_us += round(dt_s * SECOND_US)

    def offline(self) -> set[str]:
        is_lost = lost(self._acts, self._played_us or 0)
        return super().offline() | ({"bagger"} if is_lost else set())

    def values(self) -> dict[str, dict[str, SimValue]]:
        return super().values() | values(self.script, self._played_us or 0)
