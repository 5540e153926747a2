"""What became of the calls of a run: everything that must not be is a count, and must be zero."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from andon.models import AndonCall, Delivery, EscalationStep
from andon.notify.signing import is_signed
from ms5.events.models import Event
from tests.andon_channels.servers import Mailbox, Receiver
from tests.andon_kills.floor import LEVELS_AFTER_S, SECRET, Floor
from tests.andon_kills.play import Ledger

LATE_S = 10.0
"""With one process alive; after an outage, this much after its end."""

_OF_TIME = {"too late", "missed"}


@dataclass
class Verdict:
    """Counts of what must not be, and figures of what was."""

    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    levels: int = 0
    reminders: int = 0
    resolve_dues: int = 0
    worst_alive_s: float = 0.0
    worst_after_outage_s: float = 0.0
    median_alive_s: float = 0.0
    webhooks: int = 0
    mails: int = 0
    repeated: int = 0

    @property
    def wrong(self) -> dict[str, int]:
        """What was found but for the times, which a busy machine stretches."""
        return {name: count for name, count in self.failed.items() if name not in _OF_TIME}

    @property
    def failed(self) -> dict[str, int]:
        """What was found, by name; empty when all is as it must be."""
        return {name: count for name, count in self.faults.items() if count}


def judged(
    floor: Floor, ledger: Ledger, receiver: Receiver, mailbox: Mailbox, *, all_sent: bool = True
) -> Verdict:
    """Read the database, the receiver and the mailbox, and judge."""
    verdict = Verdict(calls=AndonCall.objects.count())
    steps = defaultdict(list)
    for step in EscalationStep.objects.select_related("escalation").order_by("pk"):
        steps[step.escalation.call_id].append(step)
    facts = _facts()
    for call in AndonCall.objects.all():
        _judge_facts(verdict, steps[call.pk], facts[call.pk])
        _judge_missed(verdict, ledger, call, steps[call.pk], facts[call.pk])
    fired = [step for own in steps.values() for step in own if step.state == "fired"]
    _judge_times(verdict, ledger, fired)
    _judge_told(verdict, floor, fired)
    _judge_sent(verdict, receiver, mailbox, all_sent=all_sent)
    verdict.levels = sum(step.kind == "level" for step in fired)
    verdict.reminders = sum(step.kind == "reminder" for step in fired)
    verdict.resolve_dues = sum(step.kind == "resolve_due" for step in fired)
    return verdict


def _facts() -> dict[int, list[dict[str, Any]]]:
    """Return what the log says of each call's escalation, in the order in which it was committed."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for text in (
        Event.objects.filter(type="escalation_update")
        .order_by("stream", "seq")
        .values_list("text", flat=True)
    ):
        data = json.loads(text)["data"]
        found[data["andon_id"]].append(data)
    return found


def _judge_facts(
    verdict: Verdict, steps: Sequence[EscalationStep], facts: Sequence[dict[str, Any]]
) -> None:
    did = Counter((step.kind, step.due_at) for step in steps if step.state == "fired")
    said = Counter(
        (fact["happened"], datetime.fromisoformat(fact["due_at"]))
        for fact in facts
        if fact["happened"] in {"level", "reminder", "resolve_due"}
    )
    verdict.faults["doubled"] += sum(count - 1 for count in said.values())
    verdict.faults["missing"] += sum((did - said).values())
    verdict.faults["invented"] += sum((said - did).values())
    level, answered, over = 0, False, False
    for fact in facts:
        match fact["happened"]:
            case "level":
                verdict.faults["disordered"] += not level <= fact["level"] <= level + 1
                verdict.faults["after an answer"] += answered or over
                level = fact["level"]
            case "reminder":
                verdict.faults["after an answer"] += answered or over
            case "acknowledged":
                answered = True
            case "resolve_due":
                verdict.faults["after an answer"] += over
                answered = False
            case "closed":
                over = True


def _judge_missed(
    verdict: Verdict,
    ledger: Ledger,
    call: AndonCall,
    steps: Sequence[EscalationStep],
    facts: Sequence[dict[str, Any]],
) -> None:
    """A level whose time came, and that nobody answered in time to spare it, must have taken effect."""
    answers = [
        datetime.fromisoformat(moment)
        for fact in facts
        if (moment := fact["acknowledged_at"] or fact["closed_at"])
    ]
    stopped = min(answers, default=None)
    own = {step.level: step for step in steps if step.kind == "level" and step.gen == 1}
    verdict.faults["missed"] += set(own) != set(range(1, len(LEVELS_AFTER_S) + 1))
    for step in own.values():
        if step.state == "fired":
            continue
        if stopped is None:
            verdict.faults["missed"] += 1
            continue
        spare = stopped - step.due_at - _down(ledger.outages, step.due_at, stopped)
        verdict.faults["missed"] += spare > timedelta(seconds=LATE_S)


def _judge_times(verdict: Verdict, ledger: Ledger, fired: Iterable[EscalationStep]) -> None:
    alive: list[float] = []
    for step in fired:
        assert step.fired_at is not None
        verdict.faults["too early"] += step.fired_at < step.due_at
        down = _down(ledger.outages, step.due_at, step.fired_at)
        late_s = (step.fired_at - step.due_at - down).total_seconds()
        verdict.faults["too late"] += late_s > LATE_S
        if down:
            verdict.worst_after_outage_s = max(verdict.worst_after_outage_s, late_s)
        else:
            alive.append(late_s)
    alive.sort()
    if alive:
        verdict.worst_alive_s, verdict.median_alive_s = alive[-1], alive[len(alive) // 2]


def _down(
    outages: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> timedelta:
    """Return how much of the time from `since` to `until` nobody lived."""
    spans = (min(until, end) - max(since, begin) for begin, end in outages)
    return sum((span for span in spans if span > timedelta()), timedelta())


def _judge_told(verdict: Verdict, floor: Floor, fired: Iterable[EscalationStep]) -> None:
    told = Counter(Delivery.objects.values_list("step_id", flat=True))
    for step in fired:
        wanted = floor.each_is_told if step.kind in {"level", "reminder"} else 0
        verdict.faults["untold"] += told[step.pk] != wanted
    verdict.faults["told of nothing"] += len(set(told) - {step.pk for step in fired})


def _judge_sent(
    verdict: Verdict, receiver: Receiver, mailbox: Mailbox, *, all_sent: bool
) -> None:
    arrived = Counter(taken.headers["Idempotency-Key"] for taken in receiver.taken)
    mailed = Counter(str(mail["X-MS5-Key"]) for mail in mailbox.mails)
    for taken in receiver.taken:
        stamp, told = taken.headers["MS5-Timestamp"], taken.headers["MS5-Signature"]
        verdict.faults["badly signed"] += not is_signed(SECRET, stamp, taken.body, told)
    rows = Delivery.objects.exclude(channel="live")
    for row in rows:
        if row.state == "sent":
            arrivals = arrived[row.key] if row.channel == "webhook" else mailed[row.message_key]
            verdict.faults["lost"] += not arrivals
        elif row.state == "dead":
            verdict.faults["dead"] += 1
        elif all_sent:
            verdict.faults["not sent"] += 1
    verdict.faults["sent of nothing"] += len(
        set(arrived) - set(rows.filter(channel="webhook").values_list("key", flat=True))
    )
    verdict.webhooks, verdict.mails = len(receiver.taken), len(mailbox.mails)
    verdict.repeated = sum(arrived.values()) - len(arrived) + sum(mailed.values()) - len(mailed)
