"""The context of an equipment: operator, product, target speed, planned stop; a person or a PLC sets it."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import TypedDict, Unpack

from ms5 import rows
from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions.lines import locked
from production.models import Condition, Context, ContextChange, Equipment, Product

log = logging.getLogger(__name__)

_CONTEXTS = """
FROM production_context
LEFT JOIN production_product ON production_product.id = production_context.product_id
WHERE production_context.equipment_id IN ({wanted})
"""


class Changes(TypedDict, total=False):
    """What a context may be told; what is left out stays as it is."""

    operator: User | None
    product: Product | None
    target_speed: float | None
    planned_stop: bool
    planned_stop_reason: str


@retried
def set_context(
    equipment: Equipment, *, actor: User | None, at: datetime, **changes: Unpack[Changes]
) -> Context:
    """Change the context and return it; `actor` None is a PLC.

    Idempotent: what is so already is neither a change nor audited. The reason of a planned stop goes with
    the stop. Raises ValidationError for values that cannot be, such as a target speed of zero.
    """
    with recording():
        locked([equipment.pk])
        context = contexts([equipment.pk])[equipment.pk]
        before = audit.public_fields(context)
        for name, value in changes.items():
            if name not in Changes.__annotations__:
                raise TypeError(f"a context has no {name}")
            setattr(context, name, value)
        if not context.planned_stop:
            context.planned_stop_reason = ""
        after = audit.public_fields(context)
        if after == before:
            return context
        context.full_clean()
        _keep(context, at, actor)
        if actor is not None:
            audit.record(
                actor,
                "context.change",
                context,
                before=before,
                after=after,
                line_id=equipment.line.code,
            )
    return context


def contexts(equipment_ids: Collection[int]) -> dict[int, Context]:
    """Return the contexts by equipment, an empty one for what has none yet. The caller holds the locks."""
    found: dict[int, Context] = {}
    if not equipment_ids:
        return found
    sql = _CONTEXTS.format(wanted=rows.marks(equipment_ids))
    for context, product in rows.read_beside((Context, Product), sql, list(equipment_ids)):
        context.product = product
        found[context.pk] = context
    return {pk: found.get(pk) or Context(equipment_id=pk) for pk in equipment_ids}


def follow_product(
    condition: Condition, context: Context, number: int | None, at: datetime
) -> None:
    """Take over the product that the controller names, when it names another one than before.

    A number that stays as it was does not undo what a person said meanwhile. A number that no product
    has leaves the equipment without one, until a product gets it or the controller names another.
    """
    if number is None or (
        number == condition.product_number and context.product_id is not None
    ):
        return
    product = Product.objects.filter(plc_number=number).first()
    if product is None and number != condition.product_number:
        log.warning(
            "no product has the number that the controller names",
            extra={"equipment": condition.equipment.code, "number": number},
        )
    condition.product_number = number
    if context.product_id != (product.pk if product else None):
        context.product = product
        _keep(context, at, None)


def _keep(context: Context, at: datetime, actor: User | None) -> None:
    context.save()
    # What was said last holds, also where it was said by a clock that is behind that of the one before.
    newest = ContextChange.objects.filter(equipment=context.pk).values_list("at", flat=True)
    at = max([at, *newest[:1]])
    ContextChange.objects.create(
        equipment_id=context.pk,
        operator=context.operator,
        product=context.product,
        target_speed=context.target_speed,
        planned_stop=context.planned_stop,
        planned_stop_reason=context.planned_stop_reason,
        at=at,
        actor=actor,
    )
