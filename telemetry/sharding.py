"""Moves controllers from one poll task to another, together with those that one task must read beside them."""

from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet

from ms5.accounts import audit
from ms5.accounts.models import User
from telemetry.choices import Role
from telemetry.models import Plc, Tag


def bound(plcs: QuerySet[Plc]) -> list[Plc]:
    """Return these and all that share an equipment or a serial line with them, or with one that does."""
    found: set[int] = set()
    new = set(plcs.values_list("pk", flat=True))
    while new:
        found |= new
        new = {*_beside(new), *_on_a_line_of(new)} - found
    return list(Plc.objects.filter(pk__in=found).order_by("code"))


@transaction.atomic
def move(plcs: Sequence[Plc], shard: int, *, actor: User) -> list[Plc]:
    """Let the task of this shard read them from now on; return those that it did not read before.

    They are whole groups of `bound`, or a machine would be told by two tasks. Idempotent.
    """
    rows = Plc.objects.filter(pk__in=[each.pk for each in plcs]).exclude(shard=shard)
    moved = list(rows.order_by("pk").select_for_update())
    for plc in moved:
        before, plc.shard = plc.shard, shard
        plc.save(update_fields=["shard", "stamp"])
        audit.record(actor, "plc.move", plc, before={"shard": before}, after={"shard": shard})
    return sorted(moved, key=lambda plc: plc.code)


def _beside(plc_ids: Collection[int]) -> QuerySet[Tag, int]:
    """The controllers whose tags play a role for an equipment that one of these tells of."""
    speaking = Tag.objects.exclude(role=Role.NONE).exclude(equipment=None)
    own = speaking.filter(plc__in=plc_ids).values("equipment")
    return speaking.filter(equipment__in=own).values_list("plc", flat=True)


def _on_a_line_of(plc_ids: Collection[int]) -> QuerySet[Plc, int]:
    """The controllers on a serial line, or behind a gateway, of one of these."""
    lines = [plc.same_line() for plc in Plc.objects.filter(pk__in=plc_ids)]
    on_one = reduce(or_, (line for line in lines if line is not None), Q(pk__in=()))
    return Plc.objects.filter(on_one).values_list("pk", flat=True)
