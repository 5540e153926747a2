"""Where an OEE figure comes from: its formula, the seconds per bucket, the stretches and pieces behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from production.accounting import time_account
from production.made import (
    Sums,
    counted,
    entered_kinds,
    outputs,
    seconds_of,
    share_of,
)
from production.making import named
from production.models import Equipment, Product
from production.oee import Account, Bucket, Leaf, classify
from production.ratios import Figures, figures
from production.shares import Share
from production.timeline import Stretch
from production.timelines import Extent, known

MOST = 500


@dataclass(frozen=True, slots=True)
class Made:
    """Pieces of a kind: of a product, at a version of its ideal cycle. Without one they are in no seconds.

    `counters` are the kinds that counters counted then: they say whether a piece is a good one, and one at all.

    The readings behind them are the counts of the equipment in (started_at, ended_at] of the explanation.
    """

    kind: str
    counters: str
    product: Product | None
    ideal_cycle: int | None
    seconds_each: Decimal | None
    measured: bool
    pieces: int
    good: int
    total: int
    good_s: Decimal
    total_s: Decimal


@dataclass(frozen=True, slots=True)
class Rest:
    """What is not shown: how many leaves, or parts of a sum, and how long they lasted by bucket."""

    leaves: int
    time: Mapping[Bucket, timedelta]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A figure from its formula down to the rows. Shown leaves and the rest add up to the account exactly."""

    started_at: datetime
    ended_at: datetime
    account: Account
    figures: Figures
    formula: Sequence[tuple[str, str]]
    leaves: Sequence[Stretch[Leaf]]
    rest: Rest
    pages: int
    made: Sequence[Made]


def explain(
    equipment: Equipment,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    no_data_is_stop: bool = False,
    page: int = 1,
) -> Explanation:
    """Return what the OEE of the window, as far as it lies before `now`, is made of.

    All is read from spans and increments, no tally. A page shows `MOST` leaves in order of time: the first one
    the longest, the next ones those that follow in length.
    """
    end = max(start, min(end, now))
    extent = Extent(equipment, start, end)
    (each,) = known([extent])
    leaves = classify(each.timeline, start, end)
    (output,) = outputs([extent], now, exact=True)
    account = time_account(each, start, end) + Account(output=output)
    (sums,) = counted([extent], now, exact=True)
    products = named({product for _, _, product, _, _ in sums})
    names = {pk: product.name for pk, product in products.items()}
    said = figures(account, no_data_is_stop=no_data_is_stop, names=names)
    shown, rest = _bounded(leaves, page)
    return Explanation(
        start,
        end,
        account,
        said,
        formula_of(said, account),
        shown,
        rest,
        pages_of(len(leaves)),
        _made(equipment, sums, products),
    )


def pages_of(number: int) -> int:
    """Return how many pages so many leaves or parts take; nothing is a page too."""
    return max(1, -(-number // MOST))


def _bounded(leaves: Sequence[Stretch[Leaf]], page: int) -> tuple[list[Stretch[Leaf]], Rest]:
    longest = sorted(leaves, key=lambda leaf: (-leaf.length, leaf.started_at))
    first, last = (page - 1) * MOST, page * MOST
    shown = sorted(longest[first:last], key=lambda leaf: leaf.started_at)
    time: dict[Bucket, timedelta] = {}
    for leaf in (*longest[:first], *longest[last:]):
        time[leaf.what.bucket] = time.get(leaf.what.bucket, timedelta()) + leaf.length
    return shown, Rest(len(leaves) - len(shown), time)


def _made(equipment: Equipment, sums: Sums, products: Mapping[int, Product]) -> list[Made]:
    seconds = seconds_of({cycle for _, _, _, cycle, _ in sums if cycle is not None})
    entered = entered_kinds([(equipment.pk, sums)]).get(equipment.pk, frozenset())
    rows = [
        _row(
            share_of(kind, counters, entered),
            kind,
            counters,
            products.get(product or 0),
            cycle,
            seconds,
            is_measured,
            pieces,
        )
        for (kind, counters, product, cycle, is_measured), pieces in sums.items()
    ]
    return sorted(
        rows,
        key=lambda row: (row.kind, row.product.code if row.product else "", row.counters),
    )


def _row(  # noqa: PLR0917 - a row of the table, column by column
    share: Share,
    kind: str,
    counters: str,
    product: Product | None,
    cycle: int | None,
    seconds: Mapping[int, Decimal],
    is_measured: bool,  # noqa: FBT001 - a column
    pieces: int,
) -> Made:
    good, total = share.good * pieces, share.total * pieces
    each = seconds[cycle] if cycle is not None else None
    counts = each if each is not None and is_measured else Decimal(0)
    return Made(
        kind,
        counters,
        product,
        cycle,
        each,
        is_measured,
        pieces,
        good,
        total,
        # Less than no piece in no seconds is no "-0".
        good * counts + 0,
        total * counts,
    )


def formula_of(said: Figures, account: Account) -> list[tuple[str, str]]:
    """Return each ratio with its numbers in seconds."""
    lost, made = said.lost, account.output
    ppt, run = _text(lost["ppt"]), _text(lost["run"])
    good_s, total_s = _text(made.good_s), _text(made.total_s)
    return [
        (
            "availability",
            f"run {run} s / planned production time {ppt} s = {_ratio(said.availability)}",
        ),
        ("performance", f"ideal {total_s} s / run {run} s = {_ratio(said.performance)}"),
        ("quality", f"ideal of good {good_s} s / ideal {total_s} s = {_ratio(said.quality)}"),
        (
            "oee",
            f"ideal of good {good_s} s / planned production time {ppt} s = {_ratio(said.oee)}",
        ),
    ]


def _text(value: Decimal | None) -> str:
    return "-" if value is None else f"{value.normalize():f}"


def _ratio(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.6f}"
