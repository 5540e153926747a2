"""The choice of a reason in a form: in the order of the tree, each below its group."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from unfold.widgets import UnfoldAdminSelectWidget

from production.models import Reason
from production.reason_tree import in_tree_order

if TYPE_CHECKING:
    ReasonField = forms.ModelChoiceField[Reason]
else:
    ReasonField = forms.ModelChoiceField

INDENT = "\N{EM SPACE}"


class ReasonChoice(ReasonField):
    """A reason that is in use, or none. A group may be chosen where nobody knows more, and is marked as one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=_offered(),
            required=False,
            empty_label="Unassigned",
            widget=UnfoldAdminSelectWidget,
            **kwargs,
        )

    def label_from_instance(self, obj: Any) -> str:
        # Spaces that do not break: a browser drops the others at the beginning of an option.
        group = " (group)" if obj.is_group else ""
        return f"{INDENT * (obj.level - 1)}{obj.name}{group}"


def _offered() -> "QuerySet[Reason]":
    below = Reason.objects.filter(parent=OuterRef("pk"), is_active=True)
    return in_tree_order(Reason.objects.filter(is_active=True)).annotate(is_group=Exists(below))
