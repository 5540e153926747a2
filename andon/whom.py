"""Whom a level reaches: people by role, by name or by duty, as far as they may see the line."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import assert_never
from zoneinfo import ZoneInfo

from django.db.models import Q

from andon.choices import RecipientKind
from andon.escalation import Foreseen, Ladder, Level, Recipient, who_would_be_told
from andon.models import RosterEntry
from andon.roster import Turn, on_call
from ms5.accounts.models import User
from production.models import Line, Shift
from production.shifts import Pattern


@dataclass(frozen=True, slots=True)
class Reached:
    """The users that a level reaches, and its recipients as people read them."""

    users: Sequence[User]
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class People:
    """Who may see a line, and who has which duty there."""

    zone: ZoneInfo
    users: Mapping[int, User]
    turns: Mapping[int, Sequence[Turn]]

    def told(self, ladder: Ladder, level: Level, at: datetime) -> Reached:
        """Return whom a level tells at this moment, each once, and how its recipients are called.

        Where it reaches nobody, as by a hole in the roster, the nearest level above that reaches somebody is
        told in its place, else the nearest below. Nobody is told only where no level reaches anybody.
        """
        own = self._reached(level, at)
        if own.users:
            return own
        above = ladder.levels[level.number :]
        below = reversed(ladder.levels[: level.number - 1])
        for other in (*above, *below):
            if (found := self._reached(other, at)).users:
                return Reached(found.users, [*own.names, *found.names])
        return own

    def _reached(self, level: Level, at: datetime) -> Reached:
        users: dict[int, User] = {}
        names = []
        for recipient in level.recipients:
            found = self._found(recipient, at)
            users |= {user.pk: user for user in found}
            names.append(_named(recipient, found))
        return Reached(list(users.values()), names)

    def _found(self, recipient: Recipient, at: datetime) -> list[User]:
        match RecipientKind(recipient.kind):
            case RecipientKind.ROLE:
                return [user for user in self.users.values() if user.role == recipient.key]
            case RecipientKind.PERSON:
                ids = [int(recipient.key)]
            case RecipientKind.DUTY:
                ids = on_call(self.turns.get(int(recipient.key), ()), self.zone, at)
            case other:
                assert_never(other)
        return [self.users[pk] for pk in ids if pk in self.users]


def people_of(line: Line) -> People:
    """Return the people of a line, in two queries."""
    site = line.area.site
    seeing = User.objects.filter(is_active=True).filter(
        Q(all_lines=True) | Q(line_access__line=line)
    )
    entries = RosterEntry.objects.filter(
        Q(line=None) | Q(line=line), Q(site=None) | Q(site=site)
    )
    turns: dict[int, list[Turn]] = defaultdict(list)
    for entry in entries.select_related("shift").order_by("pk"):
        if pattern := _pattern(entry):
            turns[entry.duty_id].append(Turn(entry.person_id, pattern))
    users = {user.pk: user for user in seeing.order_by("pk").distinct()}
    return People(ZoneInfo(site.time_zone), users, turns)


def foreseen(
    ladder: Ladder, line: Line, raised_at: datetime, until: datetime
) -> Iterator[Foreseen[Reached]]:
    """Yield who would be told of a call on the line, raised then, if nobody reacts; the sweep asks the same."""
    people = people_of(line)
    return who_would_be_told(ladder, raised_at, partial(people.told, ladder), until)


def _pattern(entry: RosterEntry) -> Pattern | None:
    """Return when the entry's turn is; None where the days of it and its shift have none in common."""
    days = frozenset(int(day) for day in entry.weekdays)
    shift: Shift | None = entry.shift
    if shift is not None:
        days &= frozenset(int(day) for day in shift.weekdays)
    times: RosterEntry | Shift = shift or entry
    if not days or times.starts is None or times.ends is None:
        return None
    firsts = [each.first_day for each in (entry, times) if each.first_day]
    lasts = [each.last_day for each in (entry, times) if each.last_day]
    return Pattern(
        name=str(entry.duty_id),
        weekdays=days,
        starts=times.starts,
        ends=times.ends,
        first_day=max(firsts, default=None),
        last_day=min(lasts, default=None),
    )


def _named(recipient: Recipient, found: Sequence[User]) -> str:
    """Return how people call the recipient; of a duty also who has it, or that nobody does."""
    if recipient.kind != RecipientKind.DUTY:
        return recipient.name
    return f"{recipient.name} ({', '.join(str(user) for user in found) or 'nobody'})"
