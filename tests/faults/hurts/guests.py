"""Clients away, deaf, slow, many, and the wire to them hurt."""

import json
import time
from typing import Any

from websockets.sync.client import connect

from tests.faults.case import SINGLE, Case, Lost, mixed, wish
from tests.faults.floor import FOREIGN, OWN
from tests.faults.proc import wait_for
from tests.faults.proxy import Mode
from tests.rude import Rude


def _away(case: Case) -> None:
    for front in case.stack.fronts:
        front.behave(Mode.REFUSE)
    case.injections += 1


def _back(case: Case) -> None:
    for front in case.stack.fronts:
        front.heal()


def away(case: Case, seconds: float = 12.0) -> None:
    """All cut off and refused for a while: the replay brings what they missed."""
    _away(case)
    case.flow(seconds)
    _back(case)
    case.notes.append(f"away for {seconds:.0f} s")


def pruned(case: Case) -> None:
    """Away while the log is cut above their positions: a gap is announced."""
    _away(case)
    for line in (*OWN, FOREIGN):
        case.stack.observer.ask("burst", line=line, count=60, size=10)
    case.flow(2.0)
    case.writers.rest()
    case.pruned = case.log()
    gone = case.stack.observer.ask("prune", keep_count=30)
    case.writers.go_on()
    _back(case)
    case.notes.append(f"{gone} facts pruned")


def too_far(case: Case) -> None:
    """Away for more facts than are replayed."""
    _away(case)
    for _ in range(5):
        case.stack.observer.ask("burst", line=OWN[0], count=500, size=10)
    _back(case)


def wire(case: Case) -> None:
    """Between the clients and the web processes: reset, cut in the middle, dripping, slow, half open."""
    for mode, delay_s, seconds in (
        (Mode.RESET, 0.0, 2.0),
        (Mode.TRUNCATE, 0.0, 3.0),
        (Mode.DRIP, 0.001, 4.0),
        (Mode.DELAY, 1.0, 4.0),
        # Longer than a client believes in a connection that says nothing.
        (Mode.BLACKHOLE, 0.0, 16.0),
    ):
        for front in case.stack.fronts:
            front.behave(mode, delay_s)
        case.injections += 1
        case.flow(seconds)
        for front in case.stack.fronts:
            front.heal()
        case.flow(1.5)


def cut(case: Case, times: int = 8) -> None:
    """Every connection reset, again and again, each time while the answers to the one before still come."""
    for _ in range(times):
        for front in case.stack.fronts:
            front.cut()
        case.injections += 1
        case.flow(1.2)


def newcomers(case: Case, waves: int = 6) -> None:
    """Clients come in the middle of the load: each of their snapshots is held against the log."""
    for wave in range(waves):
        more = mixed(8, case.stack.seeded["keys"], case.stack.urls, case.seed + wave)
        for number, spec in enumerate(more):
            spec |= {"name": f"wave-{wave}-{number}", "validate": False}
        case.crowd.ask("add", specs=more)
        case.specs += more
        case.injections += len(more)
        case.flow(1.2)


def deaf(case: Case) -> None:
    """Three that never read and two that read a frame a second, while megabytes come for them."""
    key = case.stack.seeded["keys"]["permitted"]
    _add_slow(case)
    port = next(iter(case.stack.web_ports.values()))
    deaf_ones = [Rude(port, receive_buffer=4096).open(key) for _ in range(3)]
    for each in deaf_ones:
        each.say("subscribe", id=1, subscriptions=[wish("line", OWN[2])])
        case.injections += 1
    before = totals(case)["connections"]
    _flood(case)
    took = wait_for(
        lambda: totals(case)["connections"] <= before - len(deaf_ones),
        60,
        "the deaf are cut off",
    )
    for each in deaf_ones:
        each.reset()
    case.crowd.ask("hurry")
    case.notes.append(f"the deaf were cut off {took:.1f} s after the last burst")


def slow(case: Case) -> None:
    """Two that read a frame a second, while megabytes come for them."""
    _add_slow(case)
    _flood(case)
    case.flow(1.0)
    case.crowd.ask("hurry")


def _add_slow(case: Case) -> None:
    more: list[dict[str, Any]] = mixed(
        2, case.stack.seeded["keys"], case.stack.urls, case.seed + 1
    )
    for number, spec in enumerate(more):
        spec |= {"name": f"slow-{number}", "pause_s": 1.0, "wishes": [wish("line", OWN[2])]}
        spec |= {"protocols": SINGLE, "forbidden": ""}
    case.specs += more
    case.injections += len(more)
    case.crowd.ask("add", specs=more)
    case.flow(2.0)


def _flood(case: Case) -> None:
    # More than the kernels of both sides and the server's own limit take together.
    for _ in range(16):
        case.stack.observer.ask("burst", line=OWN[2], count=200, size=4500)
        case.flow(0.4)


def totals(case: Case) -> dict[str, int]:
    """Return the process totals of all web processes together, as someone who may see operations is told."""
    found: dict[str, int] = {}
    key = case.stack.seeded["keys"]["permitted"]
    for url in case.stack.urls:
        with connect(
            url, additional_headers={"Authorization": f"Token {key}"}, compression=None
        ) as client:
            client.send('{"type": "get_stats", "id": 1}')
            while (said := json.loads(client.recv(10)))["type"] != "connection_stats":
                continue
        for name, value in said["process"].items():
            found[name] = found.get(name, 0) + value
    return found


def storm(case: Case, count: int = 500) -> None:
    """So many are cut off in the same moment and come back."""
    keys, fronts = case.stack.seeded["keys"], case.stack.front_urls
    more = mixed(count, keys, fronts, case.seed + 1)
    for number, spec in enumerate(more):
        spec |= {"name": f"storm-{number}", "validate": False, "forbidden": ""}
        spec |= {"key": keys["permitted"], "wishes": [wish("line", OWN[number % 3])]}
    for start in range(0, count, 100):
        case.crowd.ask("add", specs=more[start : start + 100])
        case.await_live(60)
    case.specs += more
    before = totals(case)
    began = time.monotonic()
    for front in case.stack.fronts:
        front.cut()
    case.injections += count
    case.flow(0.2)
    case.await_live(90)
    took = time.monotonic() - began
    after = totals(case)
    pictures = after["pictures_read"] - before["pictures_read"]
    replays = after["replays_read"] - before["replays_read"]
    case.notes.append(
        f"{count} live again after {took:.1f} s; {pictures} snapshots and {replays} replays read"
    )
    if pictures + replays > count / 2:
        raise Lost(f"{pictures} snapshots and {replays} replays were read for {count} clients")
