"""Rows whose edits the polling notices, whatever the clocks say and whichever transaction commits first."""

import secrets
from typing import Any

from django.db import models
from django.db.models import Count, Model, QuerySet, Sum
from django.db.models.functions import Coalesce

_BITS = 40
"""So few that ten million of them can be added up in a bigint."""


def new_stamp() -> int:
    """Return a number that has not stood in any row before."""
    return secrets.randbits(_BITS)


class StampField(models.BigIntegerField):  # type: ignore[type-arg]  # generic for the checker alone
    """A number that is another one after every save. An `update` of a queryset has to set it itself."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"editable": False, "default": 0, **options})  # type: ignore[arg-type]  # Field's own

    def pre_save(self, model_instance: Model, add: bool) -> int:  # noqa: FBT001 - Django's signature
        """Set a new one, and return it."""
        stamp = new_stamp()
        setattr(model_instance, self.attname, stamp)
        return stamp


def stamps(rows: QuerySet[Any]) -> tuple[int, int]:
    """Return what is another pair after any edit, addition or removal among the rows that has committed.

    A time would not do: of two transactions the one that began first may commit last, and a clock may be
    set back.
    """
    found = rows.aggregate(rows=Count("pk"), sum=Coalesce(Sum("stamp"), 0))
    return found["rows"], int(found["sum"])
