"""What equipment lost in windows, and to what: settled quarters from tallies, the rest from the same leaves."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from production import layers, quarters
from production.accounting import Settled, account_of, divided
from production.layers import Wanted
from production.losses import Part, lost
from production.models import Downtime, IdealCycle
from production.oee import MICROSECOND, Account, Bucket, classify
from production.timeline import clip
from production.timelines import Extent, bucket_of, known, widened


class LostTime(NamedTuple):
    """Lost time that is put down to the same; `reason` and `category` only where the bucket is by its reason.

    `cycle` is the ideal cycle of the product in microseconds, None where nobody said; `begun` are the downtimes
    that began in it.
    """

    bucket: Bucket
    reason: int | None
    category: str | None
    product: int | None
    cycle: int | None
    length: timedelta
    begun: int


@dataclass(frozen=True, slots=True)
class Lossy:
    """The time of an extent by bucket, with its stops, and what was lost of it."""

    account: Account
    lost: Sequence[LostTime]


def losses_of(extents: Sequence[Extent], *, exact: bool = False) -> list[Lossy]:
    """Return what each extent lost, in order, in a number of queries that does not grow.

    The lengths of a bucket are together those of the account. `exact` reads no tally, and gives the same.
    """
    parts = divided(extents, exact=exact)
    accounts = [
        parts.settled[number].account if number in parts.settled else Account()
        for number in range(len(extents))
    ]
    found: list[list[LostTime]] = [[] for _ in extents]
    _add_settled(found, extents, parts.settled)
    of_parts: list[tuple[int, Part]] = []
    open_ = [extent for _, extent in parts.open]
    wide = widened(open_)
    for (number, extent), wider, each in zip(parts.open, wide, known(wide), strict=True):
        leaves = classify(each.timeline, wider.start, wider.end)
        accounts[number] += account_of(each, list(clip(leaves, extent.start, extent.end)))
        of_parts += (
            (number, part) for part in lost(leaves, each.own(), each.products, extent.start)
        )
    _add_open(found, extents, of_parts)
    return [Lossy(account, own) for account, own in zip(accounts, found, strict=True)]


def _add_settled(
    found: Sequence[list[LostTime]],
    extents: Sequence[Extent],
    settled: Mapping[int, Settled],
) -> None:
    wanted = [
        Wanted(number, extents[number].equipment.pk, own.since, own.until)
        for number, own in settled.items()
    ]
    for (
        number,
        bucket_,
        reason,
        loss,
        six,
        category,
        product,
        cycle,
        us,
        begun,
    ) in layers.loss_tallies(wanted):
        bucket = Bucket(bucket_)
        is_own = category is not None and bucket_of(loss, six) is bucket
        found[number].append(
            LostTime(
                bucket,
                reason if is_own else None,
                category if is_own else None,
                product,
                None if cycle is None else layers.microseconds(cycle),
                int(us) * MICROSECOND,
                int(begun),
            )
        )


def _add_open(
    found: Sequence[list[LostTime]],
    extents: Sequence[Extent],
    parts: Sequence[tuple[int, Part]],
) -> None:
    ids = {part.put.downtime for _, part in parts if part.put.downtime is not None}
    downtimes = Downtime.objects.select_related("reason").in_bulk(ids) if ids else {}
    cycles = Cycles.of(each.equipment.pk for each in extents) if parts else None
    for number, part in parts:
        put = part.put
        row = downtimes[put.downtime] if put.downtime is not None else None
        reason = row.reason if row else None
        bucket = bucket_of(reason.loss, reason.six_loss) if reason else Bucket.FAILURE
        is_own = row is not None and bucket is put.bucket
        product = row.product_id if row else put.product
        at = row.started_at if row else quarters.begin(part.started_at)
        found[number].append(
            LostTime(
                put.bucket,
                row.reason_id if row and is_own else None,
                row.category if row and is_own else None,
                product,
                cycles.at(extents[number].equipment.pk, product, at) if cycles else None,
                part.ended_at - part.started_at,
                part.begun,
            )
        )


@dataclass(frozen=True, slots=True)
class Cycles:
    """Ideal cycles in microseconds by equipment and product, and from when each holds."""

    known: Mapping[tuple[int, int], tuple[Sequence[datetime], Sequence[int]]]

    @classmethod
    def of(cls, equipment_ids: Iterable[int]) -> "Cycles":
        known_: dict[tuple[int, int], tuple[list[datetime], list[int]]]
        known_ = defaultdict(lambda: ([], []))
        rows = IdealCycle.objects.filter(equipment__in=set(equipment_ids))
        for equipment, product, since, seconds in rows.order_by("effective_from").values_list(
            "equipment", "product", "effective_from", "seconds"
        ):
            known_[equipment, product][0].append(since)
            known_[equipment, product][1].append(int(seconds * 1_000_000))
        return cls(known_)

    def at(self, equipment: int, product: int | None, moment: datetime) -> int | None:
        """Return the ideal cycle in force at the moment."""
        if product is None or (equipment, product) not in self.known:
            return None
        since, cycles = self.known[equipment, product]
        begun = bisect_right(since, moment)
        return cycles[begun - 1] if begun else None
