"""Who would be told of a call if nobody reacts: the answer as people and programs read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from andon.choices import StepKind
from andon.escalation import Ladder
from andon.ladders import ladder_for
from andon.whom import foreseen
from production.models import Line

MOST_ROWS = 40
REMINDERS = 2
"""How many reminders of the last level are shown; they go on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """What happens at a moment, and whom it tells. No people: it reaches nobody."""

    at: datetime
    after_s: int
    kind: StepKind
    level: int
    recipients: Sequence[str]
    people: Sequence[str]
    channels: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A call raised at `at`, and what nobody's reacting comes to."""

    line: Line
    category: str
    priority: str
    at: datetime
    ladder: Ladder
    rows: Sequence[Foretold]


def forecast(line: Line, category: str, priority: str, at: datetime) -> Forecast:
    """Return who would be told of such a call, by the policy and the roster as they are now.

    It ends with the second reminder of the last level, since nothing else would come after that.
    """
    ladder = ladder_for(line, category, priority)
    last = ladder.levels[-1]
    until = at + timedelta(seconds=last.after_s + REMINDERS * last.reminder_every_s)
    rows = islice(foreseen(ladder, line, at, until), MOST_ROWS)
    return Forecast(
        line=line,
        category=category,
        priority=priority,
        at=at,
        ladder=ladder,
        rows=[
            Foretold(
                at=each.at,
                after_s=int((each.at - at).total_seconds()),
                kind=each.kind,
                level=each.level.number,
                recipients=each.whom.names,
                people=[str(user) for user in each.whom.users],
                channels=each.level.channels,
            )
            for each in rows
        ],
    )
