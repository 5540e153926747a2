"""Time that was lost, from the leaves of an account: in which bucket, and to which downtime (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from production import quarters
from production.oee import STOPS, Bucket, Leaf
from production.timeline import Stretch, clip

LOSSES = (*STOPS, Bucket.CHANGEOVER)
LOST = (*LOSSES, Bucket.PLANNED)
"""What a Pareto tells: micro-stops, and time that nobody measured, are told apart from it."""


@dataclass(frozen=True, slots=True)
class Put:
    """What lost time is put down to; without a downtime to the product that was set."""

    bucket: Bucket
    downtime: int | None
    product: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """Lost time within a quarter of an hour. `begun` is 1 where a downtime first cost what its reason says."""

    put: Put
    started_at: datetime
    ended_at: datetime
    begun: int


def lost(
    leaves: Iterable[Stretch[Leaf]],
    own: Mapping[int, Bucket],
    products: Sequence[Stretch[int | None]],
    start: datetime,
) -> Iterator[Part]:
    """Yield the parts of the leaves that were lost from `start` on; `own` are the buckets of the downtimes.

    The leaves reach back to where the downtime across `start` began, so that each begins once: in the first
    leaf that is in the bucket of its reason, wherever windows are cut. Their lengths are those of the leaves.
    """
    begun: set[int] = set()
    for leaf in leaves:
        what = leaf.what
        if what.bucket not in LOST:
            continue
        begins = 0
        if what.downtime is not None and own[what.downtime] is what.bucket:
            begins = int(what.downtime not in begun)
            begun.add(what.downtime)
        if leaf.ended_at <= start:
            continue
        put: Iterable[Stretch[Put]] = [
            Stretch(
                Put(what.bucket, what.downtime, None),
                max(start, leaf.started_at),
                leaf.ended_at,
            )
        ]
        if what.downtime is None:
            put = _of_products(
                what.bucket, products, max(start, leaf.started_at), leaf.ended_at
            )
        for each in put:
            for began, ended in quarters.cut(each.started_at, each.ended_at):
                is_first = begins and began == leaf.started_at
                yield Part(each.what, began, ended, int(is_first))


def _of_products(
    bucket: Bucket, products: Sequence[Stretch[int | None]], start: datetime, end: datetime
) -> Iterator[Stretch[Put]]:
    for each in clip(products, start, end):
        yield Stretch(Put(bucket, None, each.what), each.started_at, each.ended_at)
