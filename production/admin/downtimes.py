"""Pages of downtimes, which people explain but never edit, and of the tree of their reasons."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from ms5.accounts.audited import actor
from ms5.admin_base import VisibleFilter, column, length
from production.actions import downtimes, reasons
from production.admin.base import LimitedRecordAdmin, PlantAdmin
from production.admin.corrections import links
from production.admin.following import InAction
from production.admin.moments import MomentField
from production.admin.reason_choice import INDENT, ReasonChoice
from production.models import Downtime, Reason
from production.public.downtimes import RELATED, status_of
from production.reason_tree import TREE, in_tree_order
from production.refusals import ActionRefused

STATUS_COLOURS = {"open": "danger", "closed": "warning", "confirmed": "success"}


class WhichReason(forms.Form):
    """Why it stood."""

    reason = ReasonChoice(help_text="Unassigned takes the reason back.")
    note = forms.CharField(
        max_length=downtimes.LONGEST_NOTE,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Empty: the note stays as it is.",
    )


class WhichMoment(forms.Form):
    """Where the second half begins."""

    moment = MomentField("Second half begins")


class Spoken(admin.SimpleListFilter):
    """How much has been said of it."""

    title = "what is said"
    parameter_name = "said"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Still lasts"),
            ("unassigned", "Nobody has said why"),
            ("unconfirmed", "Not confirmed"),
            ("confirmed", "Confirmed"),
        ]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        match self.value():
            case "open":
                return queryset.filter(ended_at=None)
            case "unassigned":
                return queryset.filter(reason=None)
            case "unconfirmed":
                return queryset.filter(confirmed_at=None)
            case "confirmed":
                return queryset.exclude(confirmed_at=None)
        return queryset


@admin.register(Downtime)
class DowntimeAdmin(LimitedRecordAdmin):
    """Stops long enough to ask why. Nothing is edited: what people say of them are actions."""

    within = "equipment__line"
    list_display = (
        "equipment",
        "status",
        "started_at",
        "lasted",
        "why",
        "category",
        "product",
        "job",
        "confirmed_by",
        "correct",
    )
    list_filter = (
        Spoken,
        ("equipment__line", VisibleFilter),
        ("equipment", VisibleFilter),
        "category",
        "reason",
    )
    list_select_related = (*RELATED, "job")
    search_fields = ("equipment__code", "equipment__name", "reason__name", "note")
    date_hierarchy = "started_at"
    actions = ("confirm", "set_reason", "split", "merge")  # type: ignore[assignment]  # other records have none

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).filter(merged_into=None)

    def has_say_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(downtimes.SAYS)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(downtimes.CONFIRMS)

    @column("status", colours=STATUS_COLOURS)
    def status(self, row: Downtime) -> tuple[str, str]:
        said = status_of(row)
        return said, said

    @column("lasted")
    def lasted(self, row: Downtime) -> str:
        text = length(((row.ended_at or timezone.now()) - row.started_at).total_seconds())
        return text if row.ended_at else f"{text} so far"

    @column("reason", order="reason__name")
    def why(self, row: Downtime) -> str:
        if row.reason is not None:
            return row.reason.name
        return f"Unassigned, perhaps {row.suggested}" if row.suggested else "Unassigned"

    @column("")
    def correct(self, row: Downtime) -> str:
        return links("reason", "split", "merge", "ends", pk=row.pk)

    @admin.action(description="Confirm", permissions=["confirm"])
    def confirm(self, request: HttpRequest, queryset: "QuerySet[Downtime]") -> None:
        self._do(
            request,
            queryset,
            "confirmed",
            lambda row: downtimes.confirm(row, actor=actor(request), at=timezone.now()),
        )

    @admin.action(description="Set reason...", permissions=["say"])
    def set_reason(
        self, request: HttpRequest, queryset: "QuerySet[Downtime]"
    ) -> HttpResponse | None:
        form = WhichReason(request.POST if "asked" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, queryset, form, "set_reason", "Set the reason")
        self._do(
            request,
            queryset,
            "given the reason",
            lambda row: downtimes.say_reason(
                row,
                form.cleaned_data["reason"],
                note=form.cleaned_data["note"] or None,
                actor=actor(request),
                at=timezone.now(),
            ),
        )
        return None

    @admin.action(description="Split...", permissions=["confirm"])
    def split(
        self, request: HttpRequest, queryset: "QuerySet[Downtime]"
    ) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, "Choose the one downtime that is to be split.")
            return None
        form = WhichMoment(
            request.POST if "asked" in request.POST else None,
            initial={"moment": queryset.get().started_at},
        )
        if not form.is_valid():
            return self._ask(request, queryset, form, "split", "Split")
        self._do(
            request,
            queryset,
            "split",
            lambda row: downtimes.split(
                row, form.cleaned_data["moment"], actor=actor(request), at=timezone.now()
            ),
        )
        return None

    @admin.action(description="Merge", permissions=["confirm"])
    def merge(self, request: HttpRequest, queryset: "QuerySet[Downtime]") -> None:
        rows = list(queryset.order_by("started_at")[:3])
        if len(rows) != 2:
            messages.error(request, "Choose the two neighbours that are to be one.")
            return
        first, second = rows
        self._do(
            request,
            queryset.filter(pk=first.pk),
            "merged with its neighbour",
            lambda row: downtimes.merge(row, second, actor=actor(request), at=timezone.now()),
        )

    def _ask(
        self,
        request: HttpRequest,
        rows: "QuerySet[Downtime]",
        form: forms.Form,
        deed: str,
        title: str,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "button": title,
            "deed": deed,
            "form": form,
            "rows": rows.select_related("equipment", "reason", "suggested"),
            "opts": self.opts,
            "media": self.media + form.media,
            "back": reverse("admin:production_downtime_changelist"),
        }
        return TemplateResponse(request, "admin/production/downtime/ask.html", context)

    def _do(
        self,
        request: HttpRequest,
        rows: "QuerySet[Downtime]",
        done: str,
        deed: Callable[[Downtime], Downtime],
    ) -> None:
        """Do it to each by itself, and say what could not be done and why."""
        number = 0
        for row in rows.select_related("equipment"):
            try:
                deed(row)
                number += 1
            except ActionRefused as refused:
                messages.error(request, f"{row}: {refused.sentence}")
        if number:
            noun = "downtime was" if number == 1 else "downtimes were"
            messages.success(request, f"{number} {noun} {done}.")


@admin.register(Reason)
class ReasonAdmin(InAction, PlantAdmin):
    """Reasons as a tree of at most three levels, each with the loss it stands for."""

    list_display = (
        "branch",
        "code",
        "category",
        "loss",
        "six_loss",
        "is_failure",
        "andon",
        "is_active",
    )
    list_filter = ("is_active", "category", "loss", "six_loss", "is_failure")
    search_fields = ("code", "name")
    autocomplete_fields = ("parent",)
    fieldsets = (
        (None, {"fields": ("code", "name", "parent", "position", "is_active")}),
        ("What it costs", {"fields": ("category", "loss", "six_loss", "is_failure")}),
        (
            "Who is called",
            {"fields": ("andon_category", "andon_priority", "escalate_after_min")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return in_tree_order(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> Any:
        return TREE

    @column("reason")
    def branch(self, reason: Any) -> str:
        return f"{INDENT * (reason.level - 1)}{reason.name}"

    @column("calls")
    def andon(self, reason: Reason) -> str | None:
        if not reason.andon_category:
            return None
        return f"{reason.get_andon_category_display()}, {reason.get_andon_priority_display()}"

    def save_model(
        self,
        request: HttpRequest,
        obj: Reason,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        with reasons.followed(Reason.objects.filter(pk=obj.pk)):
            super().save_model(request, obj, form, change)
