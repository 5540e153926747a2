"""Whether anything was lost: the ledger, the log and what every client was told, held against each other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.floor import FOREIGN, LINES
from tests.faults.ledger import Ledger
from tests.faults.witness import hears
from tests.faults.writer import KEPT, TAKEN_BACK, UNKNOWN
from tests.fold import as_set, fold

Row = dict[str, Any]
History = dict[tuple[str, int], Row]
"""Facts by stream and position; a restored backup begins another history."""


@dataclass(slots=True)
class Verdict:
    """Counts that must be zero, and the first sentences on why they are not; then what was carried."""

    lost: int = 0
    """Facts that a client, or the log, should have and has not."""
    invented: int = 0
    """Facts in the log that were taken back, or at a client and not in the log."""
    twice: int = 0
    disordered: int = 0
    foreign: int = 0
    unequal: int = 0
    """Boards and snapshots that do not say what the log says."""
    sentences: list[str] = field(default_factory=list)
    facts: int = 0
    deliveries: int = 0
    reconnects: int = 0
    resumes: int = 0
    breaks: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    again: int = 0
    secrets_seen: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.faults()

    def faults(self) -> dict[str, int]:
        """Return what is above zero and must not be."""
        names = ("lost", "invented", "twice", "disordered", "foreign", "unequal")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def complain(self, kind: str, sentence: str, count: int = 1) -> None:
        if count:
            setattr(self, kind, getattr(self, kind) + count)
            self.sentences.append(f"{kind}: {sentence}")


def history_of(rows: Iterable[Row]) -> History:
    return {(row["stream"], row["seq"]): row for row in rows}


def marker_of(row: Row) -> str:
    """Return the deed a fact speaks of, empty for one that is no deed of ours."""
    text = row["data"].get("text") or row["data"].get("reason") or ""
    return text if text.startswith("deed-") else ""


def judge(
    ledger: Ledger,
    histories: Sequence[History],
    reports: Sequence[dict[str, Any]],
    before: dict[str, Any],
) -> Verdict:
    """Judge a case. `histories` are what the log held, the present one last; `before` its lines at first."""
    verdict = Verdict()
    _judge_log(verdict, ledger, histories)
    deeds = ledger.deeds
    for report in reports:
        _judge_client(verdict, report, histories)
        _judge_snapshots(verdict, report, histories, before)
    arrived = _arrivals(reports)
    for history in histories:
        for row in history.values():
            deed = deeds.get(marker_of(row))
            if deed is not None and deed.outcome == KEPT:
                verdict.latencies_ms += [
                    # A hint may bring a fact before the writer's own clock has been read again.
                    max(0.0, at - deed.at) * 1000
                    for at in arrived.pop(row["event_id"], ())
                ]
    verdict.latencies_ms.sort()
    return verdict


def _judge_log(verdict: Verdict, ledger: Ledger, histories: Sequence[History]) -> None:
    """Every acknowledged deed once and on its stream; nothing that was taken back."""
    rows = {row["event_id"]: row for history in histories for row in history.values()}
    found = Counter(marker for row in rows.values() if (marker := marker_of(row)))
    streams = {marker_of(row): row["stream"] for row in rows.values()}
    verdict.facts = len(rows)
    for deed in ledger.deeds.values():
        times = found[deed.marker]
        match deed.outcome:
            case _ if times > 1:
                verdict.complain("twice", f"{deed.marker} is {times} times in the log")
            case str(outcome) if outcome == KEPT and not times:
                if deed.marker not in ledger.excused:
                    verdict.complain("lost", f"{deed.marker} was acknowledged, not in the log")
            case str(outcome) if outcome == TAKEN_BACK and times:
                verdict.complain("invented", f"{deed.marker} was taken back, is in the log")
            case str(outcome) if outcome in {KEPT, UNKNOWN, TAKEN_BACK}:
                if times and streams[deed.marker] != deed.stream:
                    verdict.complain("invented", f"{deed.marker} is on another stream")


def _judge_client(
    verdict: Verdict, report: dict[str, Any], histories: Sequence[History]
) -> None:
    name, wishes = report["name"], report["wishes"]
    counted = Counter(report["counted"])
    verdict.deliveries += sum(counted[type_] for type_ in EVENTS)
    verdict.reconnects += max(0, counted["connections"] - 1)
    verdict.resumes += counted["resumed"]
    verdict.again += report["again"]
    verdict.closes.update(
        {key: count for key, count in counted.items() if key.startswith("close ")}
    )
    verdict.breaks.update(reason for *_, reason in report["breaks"])
    if report["ended"]:
        verdict.complain("lost", f"{name} has ended: {report['ended']}")
    if report["incomplete"]:
        sentence = f"{name} was told by a heartbeat that facts had not come"
        verdict.complain("lost", sentence, report["incomplete"])
    verdict.complain("twice", f"{name}: {report['wrong'][:2]}", report["twice"])
    others = len(report["wrong"]) - report["twice"]
    verdict.complain("disordered", f"{name}: {report['wrong'][:2]}", others)
    verdict.complain("foreign", f"{name} was shown what is not its to see", report["foreign"])
    applied = defaultdict(list)
    for stream, stretches in report["stretches"].items():
        verdict.secrets_seen += sum(len(each[2]) for each in stretches if stream == FOREIGN)
        for number, (start, end, facts) in enumerate(stretches, 1):
            applied[stream] += [(seq, id_) for seq, id_, _ in sorted(facts)]
            # Of those that ended the history may be gone; what is open must be the present one's.
            possible = histories[-1:] if number == len(stretches) else histories
            _best(verdict, possible, name, wishes, stream, start, end, facts)
    known = {
        stream: [(seq, id_) for seq, id_ in facts] for stream, facts in report["facts"].items()
    }
    for stream in applied.keys() | known.keys():
        came, taken = set(applied[stream]), set(known.get(stream, ()))
        if came != taken:
            positions = [
                [seq for seq, _ in sorted(some)[:5]] for some in (came - taken, taken - came)
            ]
            sentence = f"{name} did not apply of {stream} {positions[0]}, and applied {positions[1]} more"
            verdict.complain("unequal", sentence)


EVENTS = (
    *("equipment_state", "equipment_fault", "plc_status"),
    *("production_update", "correction"),
)


def _best(
    verdict: Verdict,
    possible: Sequence[History],
    name: str,
    wishes: Sequence[dict[str, str]],
    stream: str,
    start: int,
    end: int,
    facts: Sequence[Sequence[Any]],
) -> None:
    """Hold a stretch against the history it fits best."""
    came = {seq: id_ for seq, id_, _ in facts}
    fewest: tuple[int, int, str] | None = None
    for history in possible:
        owed = {
            seq: row["event_id"]
            for (of, seq), row in history.items()
            if of == stream and start < seq <= end and hears(wishes, row)
        }
        missing = [seq for seq in owed if seq not in came]
        strange = [
            seq
            for seq, id_ in came.items()
            if history.get((stream, seq), {}).get("event_id") != id_
            or not hears(wishes, history[stream, seq])
        ]
        sentence = f"{name} {stream} ({start}, {end}]: lacks {missing[:4]}, has {strange[:4]}"
        if fewest is None or len(missing) + len(strange) < sum(fewest[:2]):
            fewest = (len(missing), len(strange), sentence)
    assert fewest is not None
    verdict.complain("lost", fewest[2], fewest[0])
    verdict.complain("invented", fewest[2], fewest[1])


def _judge_snapshots(
    verdict: Verdict,
    report: dict[str, Any],
    histories: Sequence[History],
    before: dict[str, Any],
) -> None:
    """Every snapshot of our lines says what the log folds to at its position."""
    for stream, position, items in report["snapshots"]:
        if stream not in LINES or position < before[stream]["position"]:
            continue
        shown = as_set(items)
        if not any(
            as_set(_folded(history, before[stream], stream, position)) == shown
            for history in histories
        ):
            verdict.complain(
                "unequal",
                f"{report['name']}: snapshot of {stream} at {position} is not the log",
            )


def _folded(history: History, at: dict[str, Any], stream: str, to: int) -> list[Row]:
    missed = range(at["position"] + 1, to + 1)
    return fold(
        at["items"], [history[stream, seq] for seq in missed if (stream, seq) in history]
    )


def unequal_boards(
    boards: dict[str, dict[str, Any]],
    wishes: dict[str, list[dict[str, str]]],
    present: dict[str, Any],
) -> list[str]:
    """Return a sentence for each board of a whole line that differs from the database."""
    wrong = []
    for name, board in boards.items():
        lines = [
            wish["target_id"] for wish in wishes[name] if wish["subscription_type"] == "line"
        ]
        shown = as_set(board["items"])
        for line in board["streams"] if "all" in lines else lines:
            if line in present:
                here = {key: item for key, item in shown.items() if item["line_id"] == line}
                if here != as_set(present[line]["items"]):
                    wrong.append(f"{name} shows another {line}")
    return wrong


def _arrivals(reports: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    arrived: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        for stretches in report["stretches"].values():
            for _, _, facts in stretches:
                for _, event_id, at in facts:
                    arrived[event_id].append(at)
    return arrived
