"""Pages of calls: what was raised and how it was answered. People move them on; no form rewrites them."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from andon import clock
from andon.actions import calls
from andon.actions.guards import ANSWER, RAISE
from andon.models import AndonCall, CallEvent, Escalation, EscalationStep
from ms5.accounts.audited import actor
from ms5.admin_base import RecordInline, VisibleFilter, ago, column, length
from production.admin.base import LimitedRecordAdmin
from production.refusals import ActionRefused

STATUS_COLOURS: Mapping[str, str] = {
    "open": "danger",
    "acknowledged": "warning",
    "arrived": "info",
    "resolved": "success",
}
PRIORITY_COLOURS: Mapping[str, str] = {
    "critical": "danger",
    "high": "warning",
    "medium": "info",
}
LONGEST_TEXT = 500


class TextForm(forms.Form):
    """What is said with a move of the chosen calls."""

    text = forms.CharField(max_length=LONGEST_TEXT, widget=UnfoldAdminTextareaWidget)

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = label


class CallEventInline(RecordInline):
    """Its history."""

    model = CallEvent
    fields = ("at", "verb", "by", "text")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("by")


@admin.register(AndonCall)
class AndonCallAdmin(LimitedRecordAdmin):
    """Calls, the newest first. Those that are not over can be answered, resolved and commented on."""

    within = "line"
    list_display = (
        "description",
        "badge",
        "rank",
        "category",
        "line",
        "equipment",
        "raised",
        "answered",
        "lasted",
        "climbed",
        "occurrences",
    )
    list_filter = ("status", "priority", "category", ("line", VisibleFilter))
    list_select_related = ("line", "equipment", "acknowledged_by", "escalation")
    search_fields = ("description", "resolution", "line__code", "equipment__code")
    date_hierarchy = "raised_at"
    inlines = (CallEventInline,)
    actions: Any = ("acknowledge", "arrive", "resolve", "cancel", "comment")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(ANSWER)

    def has_raise_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(RAISE)

    @admin.action(description="Acknowledge: I am coming", permissions=["answer"])
    def acknowledge(self, request: HttpRequest, chosen: "QuerySet[AndonCall]") -> None:
        self._each(request, chosen, "acknowledged", calls.acknowledge)

    @admin.action(description="Arrive: I am there", permissions=["answer"])
    def arrive(self, request: HttpRequest, chosen: "QuerySet[AndonCall]") -> None:
        self._each(request, chosen, "reached", calls.arrive)

    @admin.action(description="Resolve...", permissions=["answer"])
    def resolve(
        self, request: HttpRequest, chosen: "QuerySet[AndonCall]"
    ) -> TemplateResponse | None:
        return self._asking(request, chosen, "resolve", "What was done", calls.resolve)

    @admin.action(description="Cancel your own...", permissions=["raise"])
    def cancel(
        self, request: HttpRequest, chosen: "QuerySet[AndonCall]"
    ) -> TemplateResponse | None:
        return self._asking(request, chosen, "cancel", "Why", calls.cancel)

    @admin.action(description="Comment...", permissions=["raise"])
    def comment(
        self, request: HttpRequest, chosen: "QuerySet[AndonCall]"
    ) -> TemplateResponse | None:
        return self._asking(request, chosen, "comment", "Comment", calls.comment)

    def _asking(
        self,
        request: HttpRequest,
        chosen: "QuerySet[AndonCall]",
        action: str,
        label: str,
        move: Callable[..., AndonCall],
    ) -> TemplateResponse | None:
        """Ask for what is to be said, then do it."""
        form = TextForm(request.POST if "apply" in request.POST else None, label=label)
        if form.is_valid():
            done = {"resolve": "resolved", "cancel": "cancelled", "comment": "commented on"}
            self._each(request, chosen, done[action], move, text=form.cleaned_data["text"])
            return None
        title = f"{action.capitalize()} calls" if action != "comment" else "Comment on calls"
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "rows": [
                (call.pk, f"{call} on {call.line}, {call.get_status_display()}")
                for call in chosen.select_related("line")
            ],
            "action": action,
            "form": form,
            "media": self.media + form.media,
            "back": reverse("admin:andon_andoncall_changelist"),
        }
        return TemplateResponse(request, "admin/act_on_rows.html", context)

    def _each(
        self,
        request: HttpRequest,
        chosen: "QuerySet[AndonCall]",
        done: str,
        move: Callable[..., AndonCall],
        **said: Any,
    ) -> None:
        """Move each of the chosen calls in a transaction of its own; say of each that could not be why."""
        who, moved = actor(request), 0
        for call in chosen.order_by("raised_at", "pk"):
            try:
                move(call, actor=who, at=clock.now(), **said)
                moved += 1
            except ActionRefused as refused:
                messages.error(request, f"{call}: {refused.sentence}")
        if moved:
            messages.success(request, f"{moved} {'call' if moved == 1 else 'calls'} {done}.")

    @column("status", order="status", colours=STATUS_COLOURS)
    def badge(self, call: AndonCall) -> tuple[str, str]:
        return call.status, call.get_status_display()

    @column("priority", order="priority", colours=PRIORITY_COLOURS)
    def rank(self, call: AndonCall) -> tuple[str, str]:
        return call.priority, call.get_priority_display()

    @column("raised", order="raised_at")
    def raised(self, call: AndonCall) -> str | None:
        return ago(call.raised_at)

    @column("answered by")
    def answered(self, call: AndonCall) -> str | None:
        if call.acknowledged_at is None:
            return None
        after = length((call.acknowledged_at - call.raised_at).total_seconds())
        return f"{call.acknowledged_by or 'nobody known'} after {after}"

    @column("lasted")
    def lasted(self, call: AndonCall) -> str | None:
        if call.ended_at is None:
            return None
        return length((call.ended_at - call.raised_at).total_seconds())

    @column("level", order="escalation__level")
    def climbed(self, call: AndonCall) -> str:
        return f"{call.escalation.level} of {len(call.escalation.policy['levels'])}"


class EscalationStepInline(RecordInline):
    """Its schedule: what happened, and what will."""

    model = EscalationStep
    fields = ("due_at", "kind", "level", "n", "state", "fired_at", "late_ms", "clock_note")


@admin.register(Escalation)
class EscalationAdmin(LimitedRecordAdmin):
    """How far calls have climbed, and by which policy."""

    within = "call__line"
    list_display = ("call", "line", "status", "level", "reminders", "policy_name", "closed_at")
    list_filter = ("status", ("call__line", VisibleFilter))
    list_select_related = ("call__line",)
    search_fields = ("call__description",)
    inlines = (EscalationStepInline,)

    @column("line", order="call__line")
    def line(self, escalation: Escalation) -> str:
        return str(escalation.call.line)

    @column("policy")
    def policy_name(self, escalation: Escalation) -> str:
        return str(escalation.policy["name"])
