"""One case: a crowd listens, writers write, something is hurt and heals, and then nothing may be lost."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.floor import FOREIGN, OWN, SECRET, machine
from tests.faults.ledger import Ledger, Writers
from tests.faults.proc import Proc, wait_for
from tests.faults.stack import Stack
from tests.faults.talk import Talker
from tests.faults.verdict import History, Verdict, history_of, judge, unequal_boards

BATCH, SINGLE = ("ms5.v1+batch", "ms5.v1"), ("ms5.v1",)
RSS_GROWTH_MB = 80
SPARE_DESCRIPTORS = 16
SPARE_THREADS = 8


class Lost(AssertionError):
    """Something was lost, invented, doubled, out of order, leaked or left unequal."""


def wish(type_: str, target: str) -> dict[str, str]:
    return {"subscription_type": type_, "target_id": target}


def mixed(count: int, keys: dict[str, str], urls: list[str], seed: int) -> list[dict[str, Any]]:
    """Return clients of all kinds: wide and narrow, overlapping, permitted and limited, both protocols."""
    chance = random.Random(seed)
    kinds: list[tuple[str, list[dict[str, str]]]] = [
        ("permitted", [wish("line", "all")]),
        ("limited", [wish("line", "all")]),
        ("permitted", [wish("line", FOREIGN), wish("line", OWN[0])]),
        ("limited", [wish("line", OWN[0]), wish("line", OWN[1])]),
        ("limited", [wish("event", "equipment_state"), wish("line", OWN[2])]),
        ("limited", [wish("equipment", machine(OWN[1], "a")), wish("production", OWN[0])]),
        ("permitted", [wish("production", "all"), wish("event", "equipment_fault")]),
        ("limited", [wish("line", OWN[1]), wish("equipment", machine(OWN[1], "b"))]),
    ]
    specs = []
    for number in range(count):
        who, wishes = kinds[number % len(kinds)]
        mine = urls[number % len(urls) :] + urls[: number % len(urls)]
        specs.append(
            {
                "name": f"{who}-{number}",
                "urls": mine,
                "key": keys[who],
                "wishes": wishes,
                "forbidden": SECRET if who == "limited" else "",
                "protocols": SINGLE if number % 3 == 2 else BATCH,
                # Each schema is checked by one client of either protocol: by all it would cost the
                # machine more than the load.
                "validate": number in {1, 2},
                "seed": chance.randrange(2**31),
            }
        )
    return specs


@dataclass
class Case:
    """What a fault may use. `injections` and `notes` go into the report."""

    stack: Stack
    name: str
    seed: int
    crowd: Talker
    writers: Writers
    specs: list[dict[str, Any]]
    before: dict[str, Any]
    injections: int = 0
    notes: list[str] = field(default_factory=list)
    expected_errors: list[str] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    pruned: History = field(default_factory=dict)
    ledger: Ledger | None = None
    excused: set[str] = field(default_factory=set)
    healed_at: float = 0.0
    back_s: float = 0.0
    marks: dict[str, int] = field(default_factory=dict)
    weights: dict[str, tuple[int, float, int, int]] = field(default_factory=dict)

    def flow(self, seconds: float) -> None:
        """Let the load run."""
        time.sleep(seconds)

    def log(self) -> History:
        """Return what the log has gained since the case began."""
        after = {line: each["position"] for line, each in self.before.items()}
        return history_of(self.stack.observer.ask("log", after=after))

    def heads(self) -> dict[str, int]:
        return {name: head for name, (_, head) in self.stack.observer.ask("heads").items()}

    def await_live(self, within_s: float = 60.0) -> float:
        """Return the seconds until every client is live."""
        return wait_for(self._all_live, within_s, f"{self.name}: every client is live")

    def _all_live(self) -> bool:
        found = self.crowd.ask("live")
        if found["failed"]:
            raise Lost(f"{self.name}: {found['failed']}")
        return not found["waiting"]

    def await_caught_up(self, within_s: float = 90.0) -> float:
        """Return the seconds until every client holds all that is in the log now."""
        heads = self.heads()
        behind: list[str] = []

        def none() -> bool:
            self._all_live()
            behind[:] = self.crowd.ask("behind", heads=heads)
            return not behind

        try:
            return wait_for(none, within_s, f"{self.name}: every client has caught up")
        except TimeoutError as late:
            raise Lost(f"{late}: {behind[:5]} of {heads}") from late


@contextmanager
def case(
    stack: Stack,
    name: str,
    *,
    seed: int,
    clients: int = 24,
    fronts: bool = False,
    writers: int = 2,
    per_s: float = 15.0,
) -> Iterator[Case]:
    """A crowd that is live and writers at work; `fronts`: the clients come through the proxies."""
    urls = stack.front_urls if fronts else stack.urls
    specs = mixed(clients, stack.seeded["keys"], urls, seed)
    weights = {web.name: _weight(web) for web in stack.webs}
    marks = {proc.name: proc.mark() for proc in stack.procs.values()}
    before = stack.observer.ask("items")
    with (
        Talker("tests.faults.crowd", stack.environment, stack.root) as crowd,
        Writers(
            stack.environment,
            stack.root,
            stack.scratch,
            serial=next(stack.serials),
            seed=seed,
            count=writers,
            per_s=per_s,
        ) as at_work,
    ):
        crowd.ask("add", specs=specs)
        running = Case(stack, name, seed, crowd, at_work, specs, before)
        running.marks, running.weights = marks, weights
        running.await_live()
        at_work.await_kept(time.monotonic())
        yield running


def _weight(web: Proc) -> tuple[int, float, int, int]:
    return web.pid, web.rss_mb(), web.descriptors(), web.threads()


def finish(running: Case, within_s: float = 90.0, settle_s: float = 15.0) -> Verdict:
    """Stop the writers, wait until all has arrived, let the clients go; return the verdict on everything."""
    running.ledger = running.writers.stop()
    running.ledger.excused |= running.excused
    late = ""
    try:
        running.await_caught_up(within_s)
    except Lost as behind:
        late = str(behind)
    boards = _unequal_boards(running, settle_s)
    gauges = _stale_gauges(running, settle_s)
    path = running.stack.scratch / "reports.json"
    running.crowd.ask("leave", path=str(path))
    reports = json.loads(path.read_text())
    running.histories.append(running.pruned | running.log())
    verdict = judge(running.ledger, running.histories, reports, running.before)
    verdict.complain("lost", late, int(bool(late)))
    for hole in running.stack.observer.ask("holes"):
        verdict.complain("lost", hole)
    for sentence in boards + gauges:
        verdict.complain("unequal", sentence)
    return verdict


def assert_nothing_lost(running: Case) -> Verdict:
    """`finish`, and raise Lost unless all is whole, nobody has complained and nothing has leaked."""
    verdict = finish(running)
    wrong = [f"{verdict.faults()}", *verdict.sentences[:6]] if not verdict.is_clean else []
    if not verdict.secrets_seen:
        wrong.append("nobody permitted has seen the foreign line: its silence proves nothing")
    wrong += unexpected_errors(running) + leaks(running)
    if wrong:
        raise Lost(f"{running.name} (seed {running.seed}): " + "\n  ".join(wrong))
    return verdict


def _settles(look: Callable[[], list[str]], within_s: float) -> list[str]:
    """Return what is still wrong after a while, since the world goes on between two looks."""
    deadline = time.monotonic() + within_s
    while (wrong := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return wrong[:5]


def _unequal_boards(running: Case, within_s: float) -> list[str]:
    wishes = {spec["name"]: spec["wishes"] for spec in running.specs}

    def look() -> list[str]:
        present = running.stack.observer.ask("items")
        return unequal_boards(running.crowd.ask("items"), wishes, present)

    return _settles(look, within_s)


def _stale_gauges(running: Case, within_s: float) -> list[str]:
    """Every client of whole lines comes to show each gauge at least as new as it is stored now."""
    present = running.stack.observer.ask("items")
    wishes = {spec["name"]: spec["wishes"] for spec in running.specs}

    def look() -> list[str]:
        wrong = []
        for name, shown in running.crowd.ask("gauges").items():
            newest = {(stream, key): ver for stream, key, ver in shown}
            for each in wishes[name]:
                line = each["target_id"]
                if each["subscription_type"] == "line" and line in present:
                    wrong += [
                        f"{name} shows {key} of {newest.get((line, key))}, not of {ver}"
                        for key, ver in present[line]["gauges"].items()
                        if newest.get((line, key), 0) < ver
                    ]
        return wrong

    return _settles(look, within_s)


def unexpected_errors(running: Case) -> list[str]:
    """Return what the processes have complained of since the case began, beside what it expects."""
    said = [
        f"{proc.name} logged: {error[:300]}"
        for proc in running.stack.procs.values()
        if proc.name not in {"postgres", "redis"}
        for error in proc.errors(running.marks.get(proc.name, 0))
        if not any(expected in error for expected in running.expected_errors)
    ]
    return said[:5]


def leaks(running: Case) -> list[str]:
    """Return how much more the web processes hold than before the case, now that its clients are gone."""

    def look() -> list[str]:
        wrong = []
        for web in running.stack.webs:
            pid, rss, descriptors, threads = running.weights.get(web.name, (0, 0.0, 0, 0))
            if web.pid != pid:
                continue
            now = _weight(web)
            if now[1] - rss > RSS_GROWTH_MB:
                wrong.append(f"{web.name} grew from {rss:.0f} to {now[1]:.0f} MiB")
            if now[2] - descriptors > SPARE_DESCRIPTORS:
                wrong.append(f"{web.name} has {now[2]} descriptors, and had {descriptors}")
            if now[3] - threads > SPARE_THREADS:
                wrong.append(f"{web.name} has {now[3]} threads, and had {threads}")
        return wrong

    return _settles(look, 10.0)
