"""The database crashed, out of reach, locked, slow to commit, and put back to an earlier day."""

import json
import time

from tests.faults.case import Case, Lost
from tests.faults.floor import FOREIGN, OWN
from tests.faults.proxy import Mode
from tests.faults.talk import Talker
from tests.faults.verdict import history_of, marker_of


def crashed(case: Case, times: int = 3) -> None:
    """An immediate shutdown, as by a power cut, and recovery."""
    assert case.stack.postgres is not None
    slowest = 0.0
    for _ in range(times):
        slowest = max(slowest, case.stack.postgres.crash())
        case.injections += 1
        case.flow(2.0)
    case.notes.append(f"PostgreSQL recovered within {slowest:.1f} s")


def unreachable(case: Case, seconds: float = 60.0) -> None:
    """Half open between the web processes and the database; the writers go on meanwhile."""
    threads = max(web.threads() for web in case.stack.webs)
    case.stack.database_proxy.behave(Mode.BLACKHOLE)
    case.injections += 1
    case.flow(seconds)
    grown = max(web.threads() for web in case.stack.webs) - threads
    case.stack.database_proxy.heal()
    case.notes.append(f"{seconds:.0f} s; {max(0, grown)} threads more in a web process")
    if grown > 40:
        raise Lost(f"{grown} threads have piled up")


def wire(case: Case) -> None:
    """Between the web processes and the database: cut, refused, slow."""
    proxy = case.stack.database_proxy
    for _ in range(4):
        proxy.cut()
        case.injections += 1
        case.flow(1.0)
    for mode, delay_s in ((Mode.REFUSE, 0.0), (Mode.DELAY, 0.3)):
        proxy.behave(mode, delay_s)
        case.injections += 1
        case.flow(5.0)
        proxy.heal()
        case.flow(1.0)


def locked(case: Case, lengths_s: tuple[float, ...] = (5.0, 25.0)) -> None:
    """Another process holds SQLite's write lock; at most longer than anybody waits for it."""
    for seconds in lengths_s:
        with case.stack.sqlite.locked():
            case.injections += 1
            case.flow(seconds)
        case.flow(2.0)
    case.notes.append(f"locked for {' and '.join(f'{each:.0f} s' for each in lengths_s)}")


def held(case: Case, seconds: float = 8.0) -> None:
    """A long transaction holds the row of one line's stream; the others go on."""
    assert case.stack.postgres is not None
    line, others = OWN[0], OWN[1:]
    took: list[float] = []
    with case.stack.postgres.holding(case.stack.database, line):
        case.injections += 1
        head = case.heads()[line]
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            for other in others:
                took += case.stack.observer.ask("say", line=other, count=5)
            case.flow(0.2)
        if case.heads()[line] != head:
            raise Lost(f"{line} grew although its stream was held")
    if max(took) > seconds / 2:
        raise Lost(f"another line had to wait {max(took):.1f} s")
    case.notes.append(
        f"{len(took)} facts of other lines meanwhile, the slowest in {max(took) * 1000:.0f} ms"
    )


def out_of_order(case: Case, times: int = 5) -> None:
    """What was written first commits last: its rows have the lower ids, and are seen later."""
    assert case.stack.postgres is not None
    with Talker("tests.faults.observer", case.stack.environment, case.stack.root) as slow:
        slow.ask("heads")
        for _ in range(times):
            # The writers would wait for that lock too, and hold what the observer wants.
            case.writers.rest()
            # Streams are locked in sorted order: the rows of the first wait for the lock of the second.
            with case.stack.postgres.holding(case.stack.database, FOREIGN):
                slow.say("say_on", lines=[OWN[0], FOREIGN])
                case.flow(0.5)
                case.stack.observer.ask("say", line=OWN[1], count=10)
                case.stack.observer.ask("say", line=OWN[2], count=10)
                case.flow(0.5)
            slow.hear()
            case.writers.go_on()
            case.injections += 1


def restored(case: Case) -> None:
    """A backup of some seconds ago put back under everybody, and another history after it."""
    _restore(case, away=False)


def restored_while_away(case: Case) -> None:
    """The same while the clients are away, and the new history has outgrown the old one on their return."""
    _restore(case, away=True)


def _restore(case: Case, *, away: bool) -> None:
    postgres, database = case.stack.postgres, case.stack.database
    assert postgres is not None
    case.writers.rest()
    backup = postgres.backup(database)
    case.writers.go_on()
    case.flow(4.0)
    case.writers.rest()
    if away:
        case.await_caught_up()
        for front in case.stack.fronts:
            front.behave(Mode.REFUSE)
    taken = postgres.restore(database, backup)
    case.injections += 1
    after = {line: each["position"] for line, each in case.before.items()}
    rows = [json.loads(text) for text in taken]
    old = history_of(row for row in rows if row["seq"] > after.get(row["stream"], 0))
    case.histories.append(old)
    left = {marker_of(row) for row in case.log().values()}
    case.excused |= {marker_of(row) for row in old.values()} - left
    if away:
        for line in (*OWN, FOREIGN):
            case.stack.observer.ask("burst", line=line, count=150, size=10)
    else:
        case.flow(2.0)
    case.writers.go_on()
    case.flow(2.0)
    for front in case.stack.fronts:
        front.heal()
    case.notes.append(f"{len(case.excused)} deeds were taken away by the backup")


def renewed(case: Case) -> None:
    """A new epoch, as an operator begins one after a restore."""
    case.stack.observer.ask("renew", reason="the fault run")
    case.injections += 1
