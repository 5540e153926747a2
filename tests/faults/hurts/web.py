"""The web processes killed, ended and frozen."""

import time

from tests.faults.case import Case

KILLS = 10


def killed(case: Case, times: int = KILLS) -> None:
    """kill -9, one after the other, each while the one before has just come back."""
    webs = case.stack.webs
    slowest = 0.0
    for number in range(times):
        web = webs[number % len(webs)]
        web.kill9()
        case.injections += 1
        slowest = max(slowest, web.start())
        case.flow(0.5)
    case.notes.append(f"a killed one serves again after {slowest:.1f} s at most")


def ended(case: Case) -> None:
    """SIGTERM to each in turn, twice."""
    slowest = 0.0
    for web in case.stack.webs * 2:
        began = time.monotonic()
        web.term()
        slowest = max(slowest, time.monotonic() - began)
        case.injections += 1
        web.start()
        case.flow(1.0)
    case.notes.append(f"ended within {slowest:.1f} s")


def frozen(case: Case) -> None:
    """SIGSTOP for three seconds: the event loop stands, with every thread."""
    for web in case.stack.webs:
        web.stop()
        case.flow(3.0)
        web.cont()
        case.injections += 1
        case.flow(2.0)
