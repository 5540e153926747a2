"""Which products equipment was set to make when, from what its context became."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from production import layers
from production.layers import Wanted, moment
from production.models import IdealCycle, Product
from production.standards import Standard
from production.timeline import Mark, Stretch, between
from production.timelines import Extent


def products(extents: Sequence[Extent]) -> list[list[Stretch[int | None]]]:
    """Return the products (by id) of each extent, in order; None where no product was set."""
    wanted = [
        Wanted(number, each.equipment.pk, each.start, each.end)
        for number, each in enumerate(extents)
        if each.start < each.end
    ]
    marks: dict[int, list[Mark[int | None]]] = defaultdict(list)
    for number, at, product, _, _ in layers.context_changes(wanted):
        start = extents[number].start
        marks[number].append(Mark(product, max(moment(at), start)))
    return [
        between([Mark(None, each.start), *marks[number]], each.end)
        for number, each in enumerate(extents)
    ]


def only(made: Iterable[Stretch[int | None]]) -> int | None:
    """Return the product, if it was the only one."""
    found = {each.what for each in made}
    return found.pop() if len(found) == 1 else None


def named(ids: Iterable[int | None]) -> dict[int, Product]:
    """Return the products by id."""
    return Product.objects.in_bulk({pk for pk in ids if pk is not None})


def cycles(equipment_ids: Iterable[int]) -> dict[int, list[Standard]]:
    """Return the ideal cycles by equipment."""
    found: dict[int, list[Standard]] = defaultdict(list)
    rows = IdealCycle.objects.filter(equipment__in=set(equipment_ids)).order_by()
    for equipment, product, seconds, at in rows.values_list(
        "equipment", "product", "seconds", "effective_from"
    ):
        found[equipment].append(Standard(product, seconds, at))
    return found
