"""The tree of reasons in the order in which it is read: each below the one it belongs to."""

from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Coalesce

from production.models import Reason

_TOP = Value(-1, output_field=IntegerField())


def _number(*cases: When, default: F) -> Case:
    return Case(*cases, default=default, output_field=IntegerField())


_IS_TOP = When(parent=None, then=_TOP)
TREE = (
    Coalesce("parent__parent__position", "parent__position", "position"),
    Coalesce("parent__parent_id", "parent_id", "id"),
    _number(
        _IS_TOP, When(parent__parent=None, then=F("position")), default=F("parent__position")
    ),
    _number(_IS_TOP, When(parent__parent=None, then=F("id")), default=F("parent_id")),
    _number(_IS_TOP, When(parent__parent=None, then=_TOP), default=F("position")),
    F("id"),
)


def in_tree_order(reasons: "QuerySet[Reason]") -> "QuerySet[Reason]":
    """Order them as a tree, and add `level`: 1 for a group, 3 for the deepest."""
    return reasons.annotate(
        level=Case(
            When(parent=None, then=Value(1)),
            When(parent__parent=None, then=Value(2)),
            default=Value(3),
            output_field=IntegerField(),
        )
    ).order_by(*TREE)
