"""Wrong by intent: each is a few lines changed in a copy of the tree, and the same verdict must find it out."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.case import Case, case, finish
from tests.faults.databases import Postgres
from tests.faults.hurts import base, guests, layer
from tests.faults.stack import ROOT, Stack
from tests.faults.verdict import Verdict

_LEFT_OUT = shutil.ignore_patterns(
    *(".*", "build", "var", "node_modules", "__pycache__", "docs", "img"),
)


class PatchFailed(AssertionError):
    """The text that a mutant changes does not stand in its file exactly once."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`old` must stand in the file exactly once."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise PatchFailed(f"{self.file} has {text.count(self.old)} of {self.old!r}")
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Mutant:
    """`found` are the counts of a verdict of which at least one must be above zero."""

    name: str
    patches: tuple[Patch, ...]
    hurt: Callable[[Case], None]
    found: tuple[str, ...]
    engine: str = "sqlite"
    fronts: bool = False


def _nothing(case: Case) -> None:
    case.flow(5.0)


ID_READER = Mutant(
    "a reader that follows ids, not positions",
    (
        Patch("ms5/events/tail.py", "\nBATCH = 500\n", "\nBATCH = 500\nREAD = [0, 0]\n"),
        Patch(
            "ms5/events/tail.py",
            "seq, text FROM events_event\nWHERE stream_id = %s AND seq > %s ORDER BY seq LIMIT",
            "seq, text, id FROM events_event\nWHERE stream_id = %s AND id > %s ORDER BY id LIMIT",
        ),
        Patch(
            "ms5/events/tail.py",
            "            facts = _written(_FACTS, stream.pk, cursor.position, BATCH)\n",
            "            with connection.cursor() as asked:\n"
            "                asked.execute(_FACTS, (stream.pk, READ[0], 100 * BATCH))\n"
            "                rows = asked.fetchall()\n"
            "            READ[1] = max([READ[1], *(row[5] for row in rows)])\n"
            "            facts = tuple(Written(*row[:5]) for row in rows)\n",
        ),
        Patch(
            "ms5/events/tail.py",
            "            if fact.position != expected:\n",
            "            if False:\n",
        ),
        Patch(
            "ms5/events/tail.py",
            "        if not facts and cursor.position < stream.head:\n",
            "        if False:\n",
        ),
        Patch(
            "ms5/events/tail.py",
            "        cursor.position += len(facts)\n",
            "        cursor.position = stream.head\n",
        ),
        Patch(
            "ms5/events/tail.py",
            "        for stream in streams:\n            # A stream",
            "        READ[0] = READ[1]\n        for stream in streams:\n            # A stream",
        ),
    ),
    base.out_of_order,
    ("lost",),
    engine="postgresql",
)
GAP = Mutant(
    "joins the live feed after the replay, with a gap between them",
    (
        Patch(
            "realtime/connection.py",
            "        barrier = returning.barrier(verdicts)\n"
            "        after = self.feed.let_go(barrier)\n",
            "        barrier = returning.barrier(verdicts)\n"
            "        after = self.feed.let_go(barrier)[:0]\n",
        ),
        Patch(
            "realtime/connection.py",
            "                self._come_back(returning, id_)\n",
            "                await asyncio.sleep(0.3)\n                self._come_back(returning, id_)\n",
        ),
    ),
    guests.cut,
    ("lost",),
    fronts=True,
)
CARRIER = Mutant(
    "sends what was committed to the groups, and reads no log",
    (
        Patch(
            "realtime/broadcast.py",
            "            self._due.hints[one.stream] = (one.head, groups)\n",
            "            self._due.hints[one.stream] = (one.head, groups)\n"
            "            for fact in one.facts:\n"
            "                to = groups_of_written(fact)\n"
            '                said = {"type": "fact", "stream": one.stream, "groups": to}\n'
            '                said |= {"seq": fact.position, "line_id": fact.line_id}\n'
            '                said |= {"text": fact.text}\n'
            "                self._due.gauges[one.stream, str(fact.position)] = (to, said)\n",
        ),
        Patch(
            "realtime/hub.py",
            "        facts = [fact_of(batch.stream, written) for written in batch.facts]\n",
            "        facts: list[Fact] = []\n",
        ),
        Patch(
            "realtime/hub.py",
            "            case _:\n                log.warning(",
            '            case {"type": "fact", "stream": stream, "seq": seq, "text": text}:\n'
            "                seen = self.__dict__.setdefault('carried', {})\n"
            "                if seq > seen.get(stream, 0):\n"
            "                    seen[stream] = seq\n"
            '                    to = tuple(message["groups"])\n'
            '                    fact = Fact(stream, seq, message["line_id"], to, text)\n'
            "                    self._deliver([fact], [], stream, seq)\n"
            "            case _:\n                log.warning(",
        ),
    ),
    layer.restarted_quietly,
    ("lost",),
)
EARLY_SNAPSHOT = Mutant(
    "reads the snapshot before the position it claims",
    (
        Patch(
            "realtime/snapshot.py",
            "    with reading():\n        head =",
            "    import time\n\n"
            "    early = tuple(telemetry.plant_items()) if stream == PLANT else _items(stream)\n"
            "    time.sleep(0.3)\n"
            "    with reading():\n        head =",
        ),
        Patch(
            "realtime/snapshot.py",
            "        items = tuple(telemetry.plant_items()) if stream == PLANT else _items(stream)\n",
            "        items = early\n",
        ),
    ),
    guests.newcomers,
    ("unequal",),
)
SWALLOWS = Mutant(
    "a slow client is not cut off: what it has not read is dropped",
    (
        Patch(
            "realtime/cohort.py",
            "                self.cursors.discard(cursor)\n"
            "                cursor.member.cut()\n",
            "                cursor.fact = self.end\n",
        ),
        Patch(
            "realtime/feed.py",
            "    def cut(self) -> None:\n",
            "    def cut(self) -> None:\n        return\n",
        ),
    ),
    guests.slow,
    ("lost",),
)
SHOWS_ALL = Mutant(
    "whoever asks for all lines is shown all lines",
    (
        Patch(
            "realtime/access.py",
            "def _access(user: User, lines: frozenset[str]) -> Access:\n",
            "def _access(user: User, lines: frozenset[str]) -> Access:\n"
            "    from production.models import Line\n\n"
            "    lines = frozenset(Line.objects.values_list('code', flat=True))\n",
        ),
    ),
    _nothing,
    ("foreign",),
)
DOUBLES = Mutant(
    "an event goes once to each subscription that it matches",
    (
        Patch(
            "realtime/hub.py",
            "        return set().union(*found)\n",
            "        return [member for members in found for member in members]\n",
        ),
    ),
    _nothing,
    ("twice", "disordered"),
)
FORGIVES = Mutant(
    "a resume compares positions, not which event stands there",
    (
        Patch(
            "realtime/resume.py",
            "place.event_id != kept.event_id:\n",
            "place.event_id != kept.event_id and False:\n",
        ),
    ),
    base.restored_while_away,
    ("lost", "invented"),
    engine="postgresql",
    fronts=True,
)

MUTANTS = (ID_READER, GAP, CARRIER, EARLY_SNAPSHOT, SWALLOWS, SHOWS_ALL, DOUBLES, FORGIVES)


@contextmanager
def copied(of: Path = ROOT) -> Iterator[Path]:
    """A copy of the tree, which nobody edits while it runs."""
    with tempfile.TemporaryDirectory(prefix="ms5-tree-") as scratch:
        root = Path(scratch) / "tree"
        shutil.copytree(of, root, ignore=_LEFT_OUT)
        yield root


@contextmanager
def mutated(mutant: Mutant, of: Path = ROOT) -> Iterator[Path]:
    """A copy of the tree with the mutant's patches, each applied exactly once."""
    with copied(of) as root:
        for patch in mutant.patches:
            patch.apply(root)
        yield root


def caught(
    mutant: Mutant, seed: int, cluster: Postgres | None = None, of: Path = ROOT
) -> Verdict:
    """Hurt a stack of the mutant under load; return the verdict, which must not be clean."""
    with (
        mutated(mutant, of) as root,
        Stack(mutant.engine, root=root, cluster=cluster, plcs=False) as stack,
        case(
            stack, mutant.name, seed=seed, clients=16, fronts=mutant.fronts, per_s=20
        ) as running,
    ):
        mutant.hurt(running)
        running.flow(1.0)
        return finish(running, within_s=30.0, settle_s=2.0)
