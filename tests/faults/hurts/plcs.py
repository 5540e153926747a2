"""The wire to two of the four controllers hurt: nothing is known of them, and nothing is invented."""

import time

from tests.faults.case import Case, Lost
from tests.faults.hurts.work import Pieces
from tests.faults.proc import wait_for
from tests.faults.proxy import Mode

HURT = {"bagger": "BP01.PACK.BAG1", "casepacker": "BP01.PACK.CP1"}
SPARED = {"loader": "BP01.PACK.BAG1.BL"}
LATE_S = 4.0
"""How old the last good reading of a controller that is polled each second may be on a busy machine."""


def silent(case: Case) -> None:
    """Off, half open, dripping, ten seconds slow."""
    _hurt(
        case, ((Mode.REFUSE, 0.0), (Mode.BLACKHOLE, 0.0), (Mode.DRIP, 0.5), (Mode.DELAY, 10.0))
    )


def lying(case: Case) -> None:
    """Garbage, half an answer, every answer twice, reset."""
    modes = (Mode.GARBAGE, Mode.TRUNCATE, Mode.DUPLICATE, Mode.RESET)
    _hurt(case, tuple((mode, 0.0) for mode in modes))


def _hurt(case: Case, modes: tuple[tuple[Mode, float], ...]) -> None:
    pieces = Pieces(case)
    slowest = worst_age = 0.0
    for mode, delay_s in modes:
        _all_connected(case)
        for plc in HURT:
            case.stack.plcs.proxies[plc].behave(mode, delay_s)
            case.injections += 1
        began = time.monotonic()

        def known() -> list[str]:
            machines = case.stack.observer.ask("machines")
            return [code for code in HURT.values() if machines[code]["state"] != "no_data"]

        # A peer that says everything twice may be understood: then what it says is true.
        if mode is not Mode.DUPLICATE:
            slowest = max(slowest, wait_for(lambda: not known(), 40, f"no_data under {mode}"))
        while time.monotonic() - began < 6.0:
            machines = case.stack.observer.ask("machines")
            ages = [time.time() - machines[code]["last_good_at"] for code in SPARED.values()]
            worst_age = max(worst_age, *ages)
            case.flow(0.5)
        for plc in HURT:
            case.stack.plcs.proxies[plc].heal()
    _all_connected(case)
    if worst_age > LATE_S:
        raise Lost(f"a controller that was left alone was last read {worst_age:.1f} s ago")
    case.notes.append(
        f"no_data after {slowest:.1f} s at most; the others' readings at most {worst_age:.1f} s old"
    )
    pieces.judge()


def _all_connected(case: Case) -> None:
    def connected() -> bool:
        machines = case.stack.observer.ask("machines")
        return all(machines[code]["state"] != "no_data" for code in HURT.values())

    wait_for(connected, 60, "all controllers are read again")
