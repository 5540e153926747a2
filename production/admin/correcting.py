"""The forms in which a supervisor says what is to be put right."""

from typing import Any, Protocol, cast

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from production.actions.correcting_counts import Requantified
from production.actions.correcting_cuts import neighbours
from production.actions.correcting_downtimes import Merged, Moved, Reasoned, Split
from production.actions.corrections import LONGEST_REASON, What
from production.admin.moments import MomentField
from production.admin.reason_choice import ReasonChoice
from production.models import Count, Downtime


class Why(forms.Form):
    """Why it is put right; every correction says it."""

    why = forms.CharField(
        label="Why it is put right",
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
    )

    def offer(self, row: Any) -> str:
        """Leave what can be done to the row; return why nothing can, or an empty text."""
        return ""


class OfDowntime(Why):
    """What is done to a downtime, and which version of it the person saw."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def offer(self, row: Downtime) -> str:
        """Nothing is left of one that was merged."""
        if row.merged_into_id is not None:
            return "It was merged: correct the downtime that has its time."
        return ""


class Asks(Protocol):
    """A form that tells what is to be done to a row."""

    def what(self, row: Any) -> What: ...


class OtherReason(OfDowntime):
    """Another reason."""

    field_order = ("reason", "note", "why")
    reason = ReasonChoice()
    note = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Empty: the note stays as it is.",
    )

    def what(self, row: Downtime) -> What:
        given = self.cleaned_data
        return Reasoned(
            downtime_id=row.pk,
            reason=given["reason"],
            note=given["note"] or None,
            version=given["version"],
        )


class TwoHalves(OfDowntime):
    """Where the second half begins."""

    field_order = ("moment", "why")
    moment = MomentField("Second half begins")

    def what(self, row: Downtime) -> What:
        given = self.cleaned_data
        return Split(downtime_id=row.pk, at=given["moment"], version=given["version"])


class WithNeighbour(OfDowntime):
    """Which neighbour is one with it."""

    field_order = ("other", "why")
    other = forms.TypedChoiceField(
        label="Its neighbour", coerce=int, widget=UnfoldAdminSelectWidget
    )

    def offer(self, row: Downtime) -> str:
        """Those before and after it between which it did not run."""
        if against := super().offer(row):
            return against
        found = neighbours(row)
        other = cast("forms.TypedChoiceField", self.fields["other"])
        other.choices = [(each.pk, each.times()) for each in found]
        return "" if found else "It has no neighbour: it ran before it and after it."

    def what(self, row: Downtime) -> What:
        given = self.cleaned_data
        return Merged(downtime_id=row.pk, other_id=given["other"], version=given["version"])


class OtherEnds(OfDowntime):
    """Other ends; of a downtime that lasts another start alone."""

    field_order = ("started_at", "ended_at", "over_no_data", "why")
    started_at = MomentField("Begins", required=False)
    ended_at = MomentField("Ends", required=False)
    over_no_data = forms.BooleanField(
        label="Also time without data",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Whether time that nobody measured may be changed.",
    )

    def offer(self, row: Downtime) -> str:
        """No end while it lasts."""
        if row.ended_at is None:
            del self.fields["ended_at"]
            self.fields[
                "started_at"
            ].help_text = "It still lasts: its end can be moved once it runs again."
        return super().offer(row)

    def what(self, row: Downtime) -> What:
        given = self.cleaned_data
        # The form shows whole seconds: an end that nobody touched stays to the microsecond.
        moved = self.changed_data
        return Moved(
            downtime_id=row.pk,
            started_at=given["started_at"] if "started_at" in moved else None,
            ended_at=given["ended_at"] if "ended_at" in moved else None,
            over_no_data=given["over_no_data"],
            version=given["version"],
        )


class OtherQuantity(Why):
    """Another quantity."""

    field_order = ("quantity", "why")
    quantity = forms.IntegerField(min_value=0, widget=UnfoldAdminTextInputWidget)

    def what(self, row: Count) -> What:
        return Requantified(count_id=row.pk, quantity=self.cleaned_data["quantity"])


FORMS: dict[str, tuple[type[Downtime | Count], type[Why], str]] = {
    "reason": (Downtime, OtherReason, "Correct the reason"),
    "split": (Downtime, TwoHalves, "Split in two"),
    "merge": (Downtime, WithNeighbour, "Merge with a neighbour"),
    "ends": (Downtime, OtherEnds, "Move the ends"),
    "count": (Count, OtherQuantity, "Correct a count"),
}
"""By the last part of the address: what it is done to, by which form, and what that is called."""
