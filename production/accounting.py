"""The accounts of equipment and lines over any windows: settled quarters from tallies, the rest from rows."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from production import layers, quarters
from production.choices import OeeMethod
from production.layers import Wanted, moment
from production.made import outputs
from production.models import Equipment, Line
from production.oee import (
    MICROSECOND,
    STOPS,
    Account,
    Bucket,
    Leaf,
    Output,
    Timeline,
    classify,
    time_of,
)
from production.slow import Slow
from production.timeline import Stretch
from production.timelines import Extent, Known, known

_COLUMNS = (
    *(f"{bucket}_us" for bucket in Bucket),
    "small_stops",
    "stops",
    "slow_cycles",
    "slow_us",
)


def timelines(
    equipment: Iterable[Equipment], start: datetime, end: datetime, now: datetime
) -> dict[int, Timeline]:
    """Return by equipment what is known of the window up to `now`, with whole stops across its ends."""
    extents = [Extent(each, start, min(end, now)) for each in equipment]
    return {
        extent.equipment.pk: each.timeline
        for extent, each in zip(extents, known(extents), strict=True)
    }


def accounts(
    equipment: Iterable[Equipment],
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    exact: bool = False,
) -> dict[int, Account]:
    """Return by equipment the account of the window, as far as it lies before `now`."""
    extents = [Extent(each, start, end) for each in equipment]
    return {
        extent.equipment.pk: account
        for extent, account in zip(extents, accounts_of(extents, now, exact=exact), strict=True)
    }


def accounts_of(
    extents: Sequence[Extent], now: datetime, *, exact: bool = False
) -> list[Account]:
    """Return the account of each extent before `now`, in order, in a number of queries that does not grow.

    Settled quarters come from tallies. `exact` computes all from spans and increments, and gives the same.
    """
    extents = until(extents, now)
    times = times_of(extents, exact=exact)
    made = outputs(extents, now, exact=exact)
    return [replace(time, output=output) for time, output in zip(times, made, strict=True)]


def until(extents: Iterable[Extent], now: datetime) -> list[Extent]:
    """Return them as far as they lie before `now`; nothing is known of the future."""
    return [each if each.end <= now else replace(each, end=now) for each in extents]


@dataclass(frozen=True, slots=True)
class Divided:
    """Extents as far as they are settled, and the rest: `settled` by number, the numbers of what is `open`."""

    settled: Mapping[int, "Settled"]
    open: Sequence[tuple[int, Extent]]


class Settled(NamedTuple):
    """From when to when an extent is settled, and the account of that."""

    since: datetime
    until: datetime
    account: Account


def divided(extents: Sequence[Extent], *, exact: bool = False) -> Divided:
    """Divide the extents into settled quarters and what lies around them; with `exact` all is open."""
    settled = {} if exact else _settled(extents)
    open_: list[tuple[int, Extent]] = []
    for number, each in enumerate(extents):
        parts = [(each.start, each.end)]
        if number in settled:
            own = settled[number]
            parts = [(each.start, own.since), (own.until, each.end)]
        open_ += [
            (number, Extent(each.equipment, start, end, each.calendar))
            for start, end in parts
            if start < end
        ]
    return Divided(settled, open_)


def times_of(extents: Sequence[Extent], *, exact: bool = False) -> list[Account]:
    """Return the accounts of the extents without their output."""
    parts = divided(extents, exact=exact)
    times = {number: own.account for number, own in parts.settled.items()}
    open_ = [extent for _, extent in parts.open]
    for (owner, extent), each_known in zip(parts.open, known(open_), strict=True):
        account = time_account(each_known, extent.start, extent.end)
        times[owner] = times[owner] + account if owner in times else account
    return [times.get(number) or Account() for number in range(len(extents))]


def line_accounts(
    lines: Iterable[Line],
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    exact: bool = False,
) -> dict[int, Account]:
    """Return by line the account of the equipment whose figures are the line's; empty where there is none."""
    methods = {line.pk: line.oee_method for line in lines}
    rows = Equipment.objects.filter(line__in=methods).order_by("pk")
    whose = [each for each in rows if is_of_line(each, methods[each.line_id])]
    of_each = accounts(whose, start, end, now, exact=exact)
    found = dict.fromkeys(methods, Account())
    for each in whose:
        found[each.line_id] += of_each[each.pk]
    return found


def line_account(
    line: Line, start: datetime, end: datetime, now: datetime, *, exact: bool = False
) -> Account:
    """Return the account of a line by its method."""
    return line_accounts([line], start, end, now, exact=exact)[line.pk]


def is_of_line(equipment: Equipment, method: str) -> bool:
    """Whether the figures of this equipment are in those of its line."""
    return method == OeeMethod.SUM or equipment.is_constraint


def without_data_as_stop(account: Account) -> Account:
    """Return the account with the time that nobody measured as a stop, so that it adds up with others."""
    time = dict(account.time)
    lost = time.pop(Bucket.NO_DATA, timedelta())
    time[Bucket.FAILURE] = time.get(Bucket.FAILURE, timedelta()) + lost
    return replace(account, time=time)


def time_account(each: Known, start: datetime, end: datetime) -> Account:
    """Return the time of the window by bucket, and the stops that began in it."""
    return account_of(each, classify(each.timeline, start, end))


def account_of(each: Known, leaves: Sequence[Stretch[Leaf]]) -> Account:
    """Return the time of these leaves by bucket, and the stops that began in them."""
    begun = [bucket for _, bucket in stops_begun(each, leaves)]
    small = sum(bucket is Bucket.SMALL_STOP for bucket in begun)
    slow = list(slow_in(each, leaves))
    return Account(
        time_of(leaves),
        Output(),
        small,
        len(begun) - small,
        len(slow),
        sum((cycle.lost for cycle in slow), timedelta()),
    )


def slow_in(each: Known, leaves: Sequence[Stretch[Leaf]]) -> Iterator[Slow]:
    """Yield the slow cycles that ended in these leaves: each belongs, as its piece, to the time it ends."""
    if leaves:
        began, ended = leaves[0].started_at, leaves[-1].ended_at
        yield from (cycle for cycle in each.slow if began < cycle.ended_at <= ended)


def stops_begun(
    each: Known, leaves: Sequence[Stretch[Leaf]]
) -> Iterator[tuple[datetime, Bucket]]:
    """Yield when the stops of these leaves began, and as what.

    A stop is counted once, where it began, if that was time in which production was planned.
    """
    began = [leaf.started_at for leaf in leaves]
    for stop in each.stops:
        if leaves and began[0] <= stop.started_at < leaves[-1].ended_at:
            bucket = leaves[bisect_right(began, stop.started_at) - 1].what.bucket
            if bucket is Bucket.SMALL_STOP or bucket in STOPS:
                yield stop.started_at, bucket


def _settled(extents: Sequence[Extent]) -> dict[int, Settled]:
    """Return by number what of the extent is settled. Settled quarters leave no hole between first and last."""
    wanted = []
    for number, each in enumerate(extents):
        first, last = quarters.whole(each.start, each.end)
        if first < last:
            wanted.append(Wanted(number, each.equipment.pk, first, last))
    found = {}
    for number, began, how_many, *sums in layers.time_tallies(wanted, _COLUMNS):
        *lengths, small, longer, slow, slow_us = map(int, sums)
        time = {
            bucket: length * MICROSECOND
            for bucket, length in zip(Bucket, lengths, strict=True)
            if length
        }
        since = moment(began)
        until = since + how_many * quarters.QUARTER
        own = Account(time, Output(), small, longer, slow, slow_us * MICROSECOND)
        found[number] = Settled(since, until, own)
    return found
