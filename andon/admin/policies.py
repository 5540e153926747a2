"""Pages of policies, with their levels and whom each tells; and the page that says who would be told."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from andon.actions.policies import audit_policy, delete_policy, whole
from andon.admin.simulator import simulator
from andon.choices import Channel, RecipientKind
from andon.models import Duty, Policy, PolicyLevel, PolicyRecipient
from ms5.accounts.audited import actor
from ms5.accounts.models import User
from ms5.accounts.roles import Role
from ms5.admin_base import MonitoredAdmin, ThemedInline, VisibleFilter, column, length
from production.admin.base import Limited, LimitedChoices, OfAnyLine

if TYPE_CHECKING:
    LevelModelForm = forms.ModelForm[PolicyLevel]
    Several = forms.ModelMultipleChoiceField
    Formset = forms.BaseInlineFormSet[Any, Any, Any]
else:
    LevelModelForm = forms.ModelForm
    Several = forms.ModelMultipleChoiceField
    Formset = forms.BaseInlineFormSet


class LevelForm(LevelModelForm):
    """A level with all whom it tells: roles, persons, and whoever has a duty."""

    channels = forms.MultipleChoiceField(
        choices=Channel.choices, widget=UnfoldAdminSelectMultipleWidget
    )
    roles = forms.MultipleChoiceField(
        choices=Role.choices, required=False, widget=UnfoldAdminSelectMultipleWidget
    )
    people = Several(
        queryset=User.objects.filter(is_active=True),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
    )
    duties = Several(
        queryset=Duty.objects.all(),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        label="on call",
    )

    class Meta:
        model = PolicyLevel
        fields = ("number", "after_s", "reminder_every_s", "channels")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            rows = list(self.instance.recipients.all())
            self.initial["roles"] = [row.role for row in rows if row.role]
            self.initial["people"] = [row.person_id for row in rows if row.person_id]
            self.initial["duties"] = [row.duty_id for row in rows if row.duty_id]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not (said.get("roles") or said.get("people") or said.get("duties")):
            raise ValidationError("A level tells somebody.")
        return said

    def save(self, commit: bool = True) -> PolicyLevel:  # noqa: FBT001, FBT002 - as Django declares it
        level = super().save(commit=commit)
        if commit:
            said = self.cleaned_data
            level.recipients.all().delete()
            kind = RecipientKind
            PolicyRecipient.objects.bulk_create(
                [
                    *(
                        PolicyRecipient(level=level, kind=kind.ROLE, role=role)
                        for role in said["roles"]
                    ),
                    *(
                        PolicyRecipient(level=level, kind=kind.PERSON, person=person)
                        for person in said["people"]
                    ),
                    *(
                        PolicyRecipient(level=level, kind=kind.DUTY, duty=duty)
                        for duty in said["duties"]
                    ),
                ]
            )
        return level


class LevelFormset(Formset):
    """The levels of a policy: numbered from one without gaps."""

    def clean(self) -> None:
        super().clean()
        numbers = sorted(
            form.cleaned_data["number"]
            for form in self.forms
            if form.cleaned_data.get("number") and not form.cleaned_data.get("DELETE")
        )
        if not any(self.errors) and numbers != list(range(1, len(numbers) + 1)):
            raise ValidationError("Levels are numbered from 1 without gaps.")


class PolicyLevelInline(ThemedInline):
    """The levels of a policy, in order."""

    model = PolicyLevel
    form = LevelForm
    formset = LevelFormset
    extra = 0
    max_num = 9

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).prefetch_related("recipients")


@admin.register(Policy)
class PolicyAdmin(OfAnyLine, LimitedChoices, Limited, MonitoredAdmin):
    """Within which times calls must be answered, and whom each level tells; calls that run keep theirs."""

    within = "line"
    list_display = (
        "name",
        "priority",
        "any_category",
        "any_line",
        "answer",
        "resolve",
        "levels",
        "is_active",
    )
    list_filter = ("priority", "category", "is_active", ("line", VisibleFilter))
    list_select_related = ("line",)
    search_fields = ("name",)
    inlines = (PolicyLevelInline,)
    warn_unsaved_form = True

    def visible(self, rows: "QuerySet[Any]", request: HttpRequest) -> "QuerySet[Any]":
        return super().visible(rows, request).prefetch_related("levels")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(simulator)
        return [path("who-would-be-told/", view, name="andon-simulator"), *super().get_urls()]

    def save_model(
        self,
        request: HttpRequest,
        obj: Policy,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        stored = Policy.objects.select_for_update(of=("self",)).filter(pk=obj.pk).first()
        form.policy_before = whole(stored) if stored else None
        super().save_model(request, obj, form, change)

    def save_related(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        super().save_related(request, form, formsets, change)
        audit_policy(form.instance, form.policy_before, actor=actor(request))

    def delete_model(self, request: HttpRequest, obj: Policy) -> None:
        delete_policy(obj, actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        for policy in queryset:
            delete_policy(policy, actor=actor(request))

    @column("category", order="category")
    def any_category(self, policy: Policy) -> str:
        return policy.get_category_display() or "any"

    @column("line", order="line")
    def any_line(self, policy: Policy) -> str:
        return str(policy.line or "any")

    @column("answer within", order="acknowledge_within_s")
    def answer(self, policy: Policy) -> str:
        return length(policy.acknowledge_within_s)

    @column("resolve within", order="resolve_within_s")
    def resolve(self, policy: Policy) -> str:
        return length(policy.resolve_within_s)

    @column("levels")
    def levels(self, policy: Policy) -> int:
        return len(policy.levels.all())
