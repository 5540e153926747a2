"""How much of what its measured time allowed an equipment made, or why nobody can tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from production.models import Equipment, Product
from production.standards import Standard, allowed
from production.timeline import Stretch


@dataclass(frozen=True, slots=True)
class Output:
    """`target` in pieces, `efficiency` as a fraction of it (never clamped); `why` either is missing."""

    target: float | None
    efficiency: float | None
    why: str | None


def output(
    equipment: Equipment,
    good: int,
    measured: Sequence[Stretch[str]],
    products: Sequence[Stretch[int | None]],
    standards: Sequence[Standard],
) -> Output:
    """Compare the good pieces with those that the measured time allowed at the ideal cycles in force.

    `good` and the target are of the time for which a product was set.
    """
    target, without = allowed(measured, products, standards)
    if target:
        # Time before anybody set a product is left out, with its pieces, or one such minute would cost the day.
        without.discard(None)
    if without:
        return Output(None, None, _missing(equipment, without))
    if not target:
        return Output(0.0, None, "nothing was measured yet")
    return Output(float(target), float(good / target), None)


def _missing(equipment: Equipment, products: Collection[int | None]) -> str:
    known = [product for product in products if product is not None]
    if len(known) < len(products):
        return f"no product is set for measured time of {equipment.name}"
    names = Product.objects.filter(pk__in=known).values_list("name", flat=True)
    return f"no ideal cycle of {', '.join(names)} on {equipment.name}"
