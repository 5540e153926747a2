"""Pages of jobs: supervisors plan them, change them before they begin, and move them."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from ms5.accounts.audited import actor
from ms5.admin_base import MonitoredAdmin, RecordInline, VisibleFilter, ago, column
from ms5.events.log import recording
from production.actions import jobs
from production.actions.job_guards import ANY
from production.admin.base import Limited, LimitedChoices
from production.admin.job_forms import JobForm, OperatorForm, ReasonForm
from production.another_product import warning, with_made
from production.jobs import QUEUED
from production.models import Job, JobRun
from production.refusals import ActionRefused

STATUS_COLOURS: Mapping[str, str] = {
    "assigned": "info",
    "accepted": "info",
    "running": "success",
    "paused": "warning",
    "cancelled": "danger",
}
_WANTED = (
    "number",
    "product",
    "target",
    "completes_at_target",
    "planned_start_at",
    "planned_end_at",
    "note",
)
_HAPPENED = (
    "badge",
    "position",
    "operator",
    "good",
    "reject",
    "assigned_at",
    "accepted_at",
    "started_at",
    "paused_at",
    "ended_at",
    "pause_reason",
    "cancel_reason",
    "by",
)


class JobRunInline(RecordInline):
    """When it ran."""

    model = JobRun
    fields = ("started_at", "ended_at")


@admin.register(Job)
class JobAdmin(LimitedChoices, Limited, MonitoredAdmin):
    """Jobs by line: the queue in its order, then those that have begun and those that are over."""

    form = JobForm
    within = "line"
    list_display = (
        "number",
        "line",
        "badge",
        "place",
        "wanted",
        "done",
        "operator",
        "began",
        "planned_end_at",
    )
    list_filter = ("status", ("line", VisibleFilter), ("product", VisibleFilter))
    list_select_related = ("line", "product", "operator", "by")
    search_fields = ("number", "product__code", "product__name", "operator__username", "note")
    autocomplete_fields = ("line", "product")
    readonly_fields = _HAPPENED
    inlines = (JobRunInline,)
    warn_unsaved_form = True
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("seen", "line", *_WANTED)}),
        ("So far", {"fields": _HAPPENED}),
    )
    actions: Any = ("assign", "unassign", "start", "pause", "resume", "complete", "cancel")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return with_made(super().get_queryset(request))

    def has_supervise_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(ANY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor(request).has_perm(ANY) and (obj is None or obj.status in QUEUED)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _HAPPENED if obj is None else ("line", *_HAPPENED)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets[:1] if obj is None else self.fieldsets

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        # Django opens a transaction for the whole form; the action's own must be the outer one.
        try:
            with recording():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except ActionRefused as refused:
            messages.error(request, refused.sentence)
            request.method = "GET"
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(
        self,
        request: HttpRequest,
        obj: Job,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        who, at = actor(request), timezone.now()
        if change:
            said = {
                name: form.cleaned_data[name] for name in _WANTED if name in form.changed_data
            }
            seen = form.cleaned_data["seen"]
            jobs.change(obj, actor=who, at=at, version=seen, **said)
            return
        said = {name: form.cleaned_data[name] for name in _WANTED}
        planned = jobs.plan(obj.line, actor=who, at=at, **said)
        obj.pk = planned.pk
        obj.refresh_from_db()

    @admin.action(description="Assign...", permissions=["supervise"])
    def assign(self, request: HttpRequest, chosen: "QuerySet[Job]") -> TemplateResponse | None:
        form = OperatorForm(request.POST if "apply" in request.POST else None, jobs=chosen)
        if not form.is_valid():
            return self._ask(request, chosen, form, "assign", "Assign jobs")
        operator = form.cleaned_data["operator"]
        self._each(request, chosen, "assigned", jobs.assign, operator=operator)
        return None

    @admin.action(description="Take back from the operator", permissions=["supervise"])
    def unassign(self, request: HttpRequest, chosen: "QuerySet[Job]") -> None:
        self._each(request, chosen, "taken back", jobs.unassign)

    @admin.action(description="Start", permissions=["supervise"])
    def start(self, request: HttpRequest, chosen: "QuerySet[Job]") -> None:
        self._each(request, chosen, "started", jobs.start)

    @admin.action(description="Pause...", permissions=["supervise"])
    def pause(self, request: HttpRequest, chosen: "QuerySet[Job]") -> TemplateResponse | None:
        form = ReasonForm(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, chosen, form, "pause", "Pause jobs")
        reason = form.cleaned_data["reason"]
        self._each(request, chosen, "paused", jobs.pause, reason=reason)
        return None

    @admin.action(description="Resume", permissions=["supervise"])
    def resume(self, request: HttpRequest, chosen: "QuerySet[Job]") -> None:
        self._each(request, chosen, "resumed", jobs.resume)

    @admin.action(description="Complete", permissions=["supervise"])
    def complete(self, request: HttpRequest, chosen: "QuerySet[Job]") -> None:
        self._each(request, chosen, "completed", jobs.complete)

    @admin.action(description="Cancel...", permissions=["supervise"])
    def cancel(self, request: HttpRequest, chosen: "QuerySet[Job]") -> TemplateResponse | None:
        form = ReasonForm(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, chosen, form, "cancel", "Cancel jobs")
        reason = form.cleaned_data["reason"]
        self._each(request, chosen, "cancelled", jobs.cancel, reason=reason)
        return None

    def _ask(
        self,
        request: HttpRequest,
        chosen: "QuerySet[Job]",
        form: forms.Form,
        action: str,
        title: str,
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "rows": [
                (
                    job.pk,
                    f"{job.number}: {job.product} on {job.line}, {job.get_status_display()}",
                )
                for job in chosen
            ],
            "action": action,
            "form": form,
            "media": self.media + form.media,
            "back": reverse("admin:production_job_changelist"),
        }
        return TemplateResponse(request, "admin/act_on_rows.html", context)

    def _each(
        self,
        request: HttpRequest,
        chosen: "QuerySet[Job]",
        done: str,
        move: Callable[..., Job],
        **said: Any,
    ) -> None:
        """Move each of the chosen jobs in a transaction of its own; say of each that could not be why."""
        who, moved = actor(request), 0
        for job in chosen.order_by("line", F("position").asc(nulls_last=True), "pk"):
            try:
                move(job, actor=who, at=timezone.now(), **said)
                moved += 1
            except ActionRefused as refused:
                messages.error(request, refused.sentence)
        if moved:
            messages.success(request, f"{moved} {'job' if moved == 1 else 'jobs'} {done}.")

    @column("status", order="status", colours=STATUS_COLOURS)
    def badge(self, job: Job) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @column("product", order="product__name")
    def wanted(self, job: Job) -> str:
        """Return the product, with a warning while the line makes another one."""
        if against := warning(job):
            return format_html(
                '{}<br><span class="text-red-700 dark:text-red-400">{}.</span>',
                job.product,
                against,
            )
        return str(job.product)

    @column("queue", order="position")
    def place(self, job: Job) -> int | None:
        return job.position

    @column("good", order="good")
    def done(self, job: Job) -> str:
        if job.target is None:
            return str(job.good)
        return f"{job.good} of {job.target} ({int(100 * job.good / job.target)} %)"

    @column("began", order="started_at")
    def began(self, job: Job) -> str | None:
        return ago(job.started_at)
