"""PackML (ISA-TR88.00.02): its seventeen states under both common numberings, and its unit modes (pure)."""

from collections.abc import Mapping

from ms5.events.facts import State

STATES: Mapping[str, State] = {
    "clearing": "faulted",
    "stopped": "stopped",
    "starting": "stopped",
    "idle": "idle",
    "suspended": "blocked",
    "execute": "running",
    "stopping": "stopped",
    "aborting": "faulted",
    "aborted": "faulted",
    "holding": "stopped",
    "held": "stopped",
    "unholding": "stopped",
    "suspending": "blocked",
    "unsuspending": "blocked",
    "resetting": "idle",
    "completing": "idle",
    "complete": "idle",
}
"""What each state is on the floor. Suspended waits for another machine: which side, other tags tell."""

EXTERNAL = frozenset({"suspended", "suspending", "unsuspending"})

NUMBERINGS: Mapping[str, Mapping[int, str]] = {
    "packml_tr88": dict(
        enumerate(
            (
                *("clearing", "stopped", "starting", "idle", "suspended", "execute"),
                *("stopping", "aborting", "aborted", "holding", "held", "unholding"),
                *("suspending", "unsuspending", "resetting", "completing", "complete"),
            ),
            start=1,
        )
    ),
    "packml_tmc": dict(
        enumerate(
            (
                *("stopped", "resetting", "idle", "starting", "execute", "completing"),
                *("complete", "aborting", "aborted", "stopping", "clearing", "suspending"),
                *("suspended", "unsuspending", "holding", "held", "unholding"),
            )
        )
    ),
}
"""The states by number: ISA-TR88 counts from 1 (6 is Execute), OPC 30060 from 0 (4 is Execute)."""

PRODUCTION = 1
"""The unit mode in which the state tells what the machine does."""


def state_of(numbering: str, number: int, *, starved: bool, blocked: bool) -> State | None:
    """Return the state under a number; None for one that the numbering lacks.

    A machine that is suspended is starved when its own interlock says so and not blocked as well.
    """
    name = NUMBERINGS[numbering].get(number)
    if name is None:
        return None
    if name in EXTERNAL and starved and not blocked:
        return "starved"
    return STATES[name]


def mode_state(mode: int) -> State | None:
    """Return what a unit mode decides before any state: None lets the state decide.

    2 is maintenance, 3 manual, above are the user's own, such as cleaning or changeover: nothing is
    produced in them. Below 1 there is no mode, and nobody knows.
    """
    if mode == PRODUCTION:
        return None
    return "setup" if mode > PRODUCTION else "no_data"
