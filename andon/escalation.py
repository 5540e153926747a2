"""How a call climbs, from its frozen policy: what is due, what follows it, what falls away (pure)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, assert_never

import msgspec

from andon.choices import EscalationStatus, StepKind

OPEN, ACKNOWLEDGED, CLOSED = EscalationStatus
Whom = TypeVar("Whom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a level names: the word of a role, or the number of a person or a duty, with its name."""

    kind: str
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A step of the ladder; `number` counts from one, `after_s` from the raising."""

    number: int
    after_s: int
    reminder_every_s: int
    channels: tuple[str, ...]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """A policy as it is frozen into a call: its levels in order, at least one."""

    name: str
    acknowledge_within_s: int
    resolve_within_s: int
    levels: tuple[Level, ...]

    def level(self, number: int) -> Level:
        """Return the level of this number; beyond the last one it is the last, below the first the first."""
        return self.levels[min(max(number, 1), len(self.levels)) - 1]

    @property
    def top(self) -> int:
        return len(self.levels)

    def frozen(self) -> dict[str, Any]:
        """Return it as plain values; `thawed` reads them."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def thawed(plain: object) -> Ladder:
    """Return the policy that was frozen."""
    return msgspec.convert(plain, Ladder)


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the schedule. Generation, kind, level and number name it."""

    gen: int
    kind: StepKind
    level: int
    n: int
    due_at: datetime

    @property
    def key(self) -> tuple[int, str, int, int]:
        return (self.gen, self.kind.value, self.level, self.n)


@dataclass(frozen=True, slots=True)
class Present:
    """Where an escalation stands; `level` 0 is before the first, `reminders` those of this level."""

    gen: int = 1
    level: int = 0
    status: EscalationStatus = OPEN
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that took effect, how late, and where the escalation stood then."""

    step: Step
    late: timedelta
    present: Present


@dataclass(slots=True)
class Outcome:
    """What a sweep of an escalation comes to: where it stands, what it did, and its schedule."""

    present: Present
    pending: list[Step]
    fired: list[Fired] = field(default_factory=list)
    collapsed: list[Step] = field(default_factory=list)
    cancelled: list[Step] = field(default_factory=list)
    planned: list[Step] = field(default_factory=list)

    def plan(self, steps: Iterable[Step]) -> None:
        """Add steps to the schedule."""
        fresh = list(steps)
        self.planned += fresh
        self.pending += fresh

    def drop(self, step: Step, now: datetime) -> None:
        """Take a step off the schedule; one that was planned a moment ago leaves no trace."""
        self.pending.remove(step)
        if step in self.planned:
            self.planned.remove(step)
        else:
            (self.collapsed if step.due_at <= now else self.cancelled).append(step)


def climb(ladder: Ladder, gen: int, first: int, at: datetime) -> list[Step]:
    """Return the levels from `first` on; it is due at `at`, the later ones as far behind it as in the policy.

    From the first level it waits as long as the policy says, which is not at all in most.
    """
    own = ladder.level(first)
    before = timedelta() if own.number == 1 else timedelta(seconds=own.after_s)
    return [
        Step(
            gen, StepKind.LEVEL, level.number, 0, at + timedelta(seconds=level.after_s) - before
        )
        for level in ladder.levels[own.number - 1 :]
    ]


def second_clock(ladder: Ladder, present: Present, at: datetime) -> Step:
    """Return when a call that was answered at `at` must be resolved."""
    due_at = at + timedelta(seconds=ladder.resolve_within_s)
    return Step(present.gen, StepKind.RESOLVE_DUE, present.level, 0, due_at)


def anew(present: Present) -> Present:
    """Return an escalation that begins a new schedule, open, on the level it had reached."""
    return replace(present, gen=present.gen + 1, status=OPEN, reminders=0)


def next_due(pending: Iterable[Step]) -> Step | None:
    """Return what comes next: by time, a level before a reminder, then by level."""
    return min(pending, key=_order, default=None)


def advance(
    ladder: Ladder, present: Present, pending: Sequence[Step], now: datetime
) -> Outcome:
    """Return what is due by `now`, in order, and what follows.

    Missed levels take effect one after another, each late. Missed reminders collapse: into a level that is
    due as well, else into one. What is planned for a reminder lies after `now`, so doing it twice does
    nothing. Reminders follow each other until somebody answers: on the last level nothing ends them.
    """
    result = Outcome(present, list(pending))
    while (step := next_due(result.pending)) is not None and step.due_at <= now:
        result.pending.remove(step)
        is_missed = step.kind is StepKind.REMINDER and any(
            other.due_at <= now for other in result.pending
        )
        if is_missed:
            result.collapsed.append(step)
        else:
            _take(ladder, result, step, now)
    return result


def _take(ladder: Ladder, result: Outcome, step: Step, now: datetime) -> None:
    was = result.present
    match step.kind:
        case StepKind.LEVEL:
            result.present = replace(was, level=step.level, reminders=0)
            _drop_reminders(result, now)
            result.plan([_reminder(ladder, step, 1, now)])
        case StepKind.REMINDER:
            result.present = replace(was, reminders=was.reminders + 1)
            result.plan([_reminder(ladder, step, step.n + 1, now)])
        case StepKind.RESOLVE_DUE:
            result.present = anew(was)
            first = min(was.level + 1, ladder.top)
            result.plan(climb(ladder, result.present.gen, first, step.due_at))
        case StepKind.SHELF_END:
            result.present = anew(was)
            first = max(was.level, 1)
            result.plan(climb(ladder, result.present.gen, first, step.due_at))
        case _:
            assert_never(step.kind)
    result.fired.append(Fired(step, now - step.due_at, result.present))


def _reminder(ladder: Ladder, after: Step, number: int, now: datetime) -> Step:
    """Return the first reminder that lies after `now`, in the beat of the level."""
    every = timedelta(seconds=ladder.level(after.level).reminder_every_s)
    missed = max(0, (now - after.due_at) // every)
    due_at = after.due_at + every * (missed + 1)
    return Step(after.gen, StepKind.REMINDER, after.level, number, due_at)


def _drop_reminders(result: Outcome, now: datetime) -> None:
    """Take away the reminders of the level below: this one has its own."""
    for other in [each for each in result.pending if each.kind is StepKind.REMINDER]:
        result.drop(other, now)


_ORDER = {
    StepKind.SHELF_END: 0,
    StepKind.RESOLVE_DUE: 1,
    StepKind.LEVEL: 2,
    StepKind.REMINDER: 3,
}


def _order(step: Step) -> tuple[datetime, int, int, int]:
    return (step.due_at, _ORDER[step.kind], step.level, step.n)


@dataclass(frozen=True, slots=True)
class Foreseen(Generic[Whom]):
    """What would happen when nobody reacts, and whom it would tell."""

    at: datetime
    kind: StepKind
    level: Level
    whom: Whom


def who_would_be_told(
    ladder: Ladder,
    raised_at: datetime,
    whom: Callable[[Level, datetime], Whom],
    until: datetime,
) -> Iterator[Foreseen[Whom]]:
    """Yield who would be told of a call raised then if nobody reacts, up to and with `until`.

    `whom` names those whom a level reaches at a moment. The sweep goes by the same `climb` and `advance`.
    """
    present, pending = Present(), climb(ladder, 1, 1, raised_at)
    while (step := next_due(pending)) is not None and step.due_at <= until:
        outcome = advance(ladder, present, pending, step.due_at)
        for fired in outcome.fired:
            level = ladder.level(fired.step.level)
            at = fired.step.due_at
            yield Foreseen(at, fired.step.kind, level, whom(level, at))
        present, pending = outcome.present, outcome.pending
