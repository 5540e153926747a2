"""Forms of jobs: what is wanted, and what an action on several of them asks first."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q, QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from ms5.accounts.models import User
from ms5.accounts.roles import PERMISSIONS
from production.actions.job_guards import OWN
from production.actions.job_queue import MOST_PIECES
from production.models import Job

if TYPE_CHECKING:
    JobModelForm = forms.ModelForm[Job]
    OperatorField = forms.ModelChoiceField[User]
else:
    JobModelForm = forms.ModelForm
    OperatorField = forms.ModelChoiceField

LONGEST_TEXT = 300


class JobForm(JobModelForm):
    """A job before it begins. It carries the version it was shown in, so that nobody's change is lost."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Job
        fields = (
            "line",
            "number",
            "product",
            "target",
            "completes_at_target",
            "planned_start_at",
            "planned_end_at",
            "note",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("planned_start_at", "planned_end_at"):
            if name in self.fields:
                self.fields[name].label = f"{self.fields[name].label} (UTC)"
        if self.instance.pk:
            self.initial["seen"] = self.instance.version

    def clean_target(self) -> int | None:
        target: int | None = self.cleaned_data["target"]
        if target is not None and target > MOST_PIECES:
            raise forms.ValidationError(f"A target is at most {MOST_PIECES} pieces.")
        return target

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        start, end = said.get("planned_start_at"), said.get("planned_end_at")
        if start and end and end < start:
            self.add_error("planned_end_at", "The planned end lies before the planned start.")
        return said


class ReasonForm(forms.Form):
    """Why the chosen jobs are paused or cancelled."""

    reason = forms.CharField(max_length=LONGEST_TEXT, widget=UnfoldAdminTextareaWidget)


class OperatorForm(forms.Form):
    """To whom the chosen jobs are given."""

    operator = OperatorField(queryset=User.objects.none(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, jobs: "QuerySet[Job]", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [role for role, may in PERMISSIONS.items() if OWN in may]
        here = Q(all_lines=True) | Q(line_access__line__in=jobs.values("line"))
        able = User.objects.filter(here, is_active=True, role__in=roles).distinct()
        self.fields["operator"].queryset = able  # type: ignore[attr-defined]  # a choice has one
