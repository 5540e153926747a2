"""Where the OEE of a line that is a sum, an area or a site comes from: the accounts that it is the sum of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from production.explain import MOST, Rest, formula_of, pages_of
from production.groups import Group, Scope, totals
from production.made import products_without
from production.making import named
from production.models import Equipment, Line
from production.oee import Account, Bucket
from production.ratios import Figures, figures
from production.windows import Window


@dataclass(frozen=True, slots=True)
class Part:
    """An account that is in the sum: of an equipment of the line, or of a line by its own method."""

    line: Line
    equipment: Equipment | None
    account: Account
    figures: Figures


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure as the sum of its parts. Shown parts and the rest add up to the account exactly."""

    started_at: datetime
    ended_at: datetime
    account: Account
    figures: Figures
    formula: Sequence[tuple[str, str]]
    parts: Sequence[Part]
    rest: Rest
    pages: int


def summed(
    scope: Scope, start: datetime, end: datetime, now: datetime, *, page: int = 1
) -> Sum:
    """Return what the OEE of a scope, as far as the window lies before `now`, is the sum of.

    One line is the sum over its equipment, several over the lines. The accounts are those of the figures,
    settled quarters and all; each part is explained to its rows on its own.
    """
    end = max(start, min(end, now))
    window = Window(None, start, end)
    whose = _by_equipment(scope) if len(scope.lines) == 1 else _by_line(scope)
    groups = [
        Group(parts=[(each, window) for each in own], window=window) for _, _, own in whose
    ]
    found = totals(scope, groups, now)
    is_stop = all(line.no_data_is_stop for line in scope.lines)
    accounts = [account for _, account, _ in found]
    whole = sum(accounts, Account())
    names = {pk: each.name for pk, each in named(products_without(accounts)).items()}
    parts = [
        Part(line, each, account, figures(account, no_data_is_stop=is_stop, names=names))
        for (line, each, _), account in zip(whose, accounts, strict=True)
    ]
    said = figures(whole, no_data_is_stop=is_stop, names=names)
    first, last = (page - 1) * MOST, page * MOST
    return Sum(
        start,
        end,
        whole,
        said,
        formula_of(said, whole),
        parts[first:last],
        _rest([*parts[:first], *parts[last:]]),
        pages_of(len(parts)),
    )


_Whose = list[tuple[Line, Equipment | None, list[Equipment]]]


def _by_equipment(scope: Scope) -> _Whose:
    return [(scope.lines[0], each, [each]) for each in scope.counted]


def _by_line(scope: Scope) -> _Whose:
    counted = scope.counted
    return [
        (line, None, [each for each in counted if each.line_id == line.pk])
        for line in scope.lines
    ]


def _rest(parts: Sequence[Part]) -> Rest:
    time: dict[Bucket, timedelta] = {}
    for part in parts:
        for bucket, length in part.account.time.items():
            time[bucket] = time.get(bucket, timedelta()) + length
    return Rest(len(parts), time)
