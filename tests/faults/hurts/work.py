"""Workers and beat killed, doubled and gone."""

import time

from ms5.demo import commands
from tests.faults.case import Case, Lost
from tests.faults.proc import wait_for

COUNTERS = {
    "BP01.PACK.BAG1": ("bagger", "Count_Blade_PEC.ACC"),
    "BP01.PACK.BAG1.BL": ("loader", "BL_Count"),
    "BP01.PACK.CW1": ("checkweigher", "Total"),
    "BP01.PACK.CP1": ("casepacker", "Count"),
}
"""Where each machine's total is in its simulated controller."""


class Pieces:
    """Holds the pieces in the database against the controllers' own counters, over a case."""

    def __init__(self, case: Case) -> None:
        self._case = case
        wait_for(lambda: self._counted().keys() == COUNTERS.keys(), 60, "all machines count")
        self._made_before = self._made()
        time.sleep(3.0)
        self._counted_before = self._counted()
        self._made_after = self._made()

    def _made(self) -> dict[str, int]:
        tell = self._case.stack.plcs.tell
        return {
            code: int(float(tell(f"get {plc} {name}")))
            for code, (plc, name) in COUNTERS.items()
        }

    def _counted(self) -> dict[str, int]:
        pieces: dict[str, int] = self._case.stack.observer.ask("counted")
        return {code: pieces[f"{code} total"] for code in COUNTERS if f"{code} total" in pieces}

    def judge(self) -> None:
        """Raise Lost if a piece was invented, or those of an outage were not made up for."""
        counted, made = self._counted(), self._made()
        for code, pieces in counted.items():
            fresh = pieces - self._counted_before[code]
            if fresh > made[code] - self._made_before[code]:
                raise Lost(
                    f"{code}: {fresh} counted, {made[code] - self._made_before[code]} made"
                )

        def made_up() -> bool:
            now = self._counted()
            return all(
                now[code] - self._counted_before[code] >= made[code] - self._made_after[code]
                for code in COUNTERS
            )

        wait_for(made_up, 60, "what was made meanwhile is counted")
        pieces = sum(made.values()) - sum(self._made_after.values())
        self._case.notes.append(f"{pieces} pieces made meanwhile, all counted, none invented")


def killed(case: Case) -> None:
    """kill -9 of the poll, the worker and beat, twice each."""
    pieces = Pieces(case)
    for name in ("poll", "worker", "beat") * 2:
        case.stack.procs[name].restart()
        case.injections += 1
        case.flow(1.0)
    case.stack.await_health("ok")
    pieces.judge()


def beat_gone(case: Case, seconds: float = 20.0) -> None:
    """No ticks at all, then beat again: what fell silent is no_data meanwhile."""
    pieces = Pieces(case)
    beat = case.stack.procs["beat"]
    beat.kill9()
    case.injections += 1
    case.flow(seconds)
    if case.stack.healths() != {"degraded"}:
        raise Lost(f"health was {case.stack.healths()} without beat")
    beat.start()
    case.stack.await_health("ok")
    pieces.judge()
    case.notes.append(f"gone for {seconds:.0f} s")


def doubled(case: Case) -> None:
    """Two of each: beats, workers, polls."""
    pieces = Pieces(case)
    more = [
        case.stack.keep_python(f"{name}-twin", [*command])
        for name, command in (
            ("beat", commands.BEAT),
            ("worker", _renamed(commands.WORKER)),
            ("poll", _renamed(commands.POLL)),
        )
    ]
    for each in more:
        each.start()
        case.injections += 1
    case.flow(12.0)
    for each in more:
        each.end()
        del case.stack.procs[each.name]
    case.stack.await_health("ok")
    pieces.judge()


def _renamed(command: commands.Arguments) -> tuple[str, ...]:
    return tuple(f"twin-{each}" if each.endswith("@%h") else each for each in command)
