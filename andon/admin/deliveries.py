"""Pages of endpoints and contacts, with a test to send, and the log of every delivery."""

import secrets
from copy import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest

from andon import clock
from andon.actions.repeating import REPEATS, send_again
from andon.choices import Category, Channel, ContactKind, EndpointKind
from andon.models import Contact, Delivery, Endpoint
from andon.notify import ways
from andon.notify.chat import masked
from andon.notify.message import Refused
from andon.trials import MOST_AT_ONCE, try_out
from ms5.accounts.audit import public_fields
from ms5.accounts.audited import AuditedAdmin, actor
from ms5.admin_base import CodeForm, VisibleFilter, ago, column
from production.admin.base import LimitedChoices, LimitedRecordAdmin
from production.models import Line

STATE_COLOURS = {"pending": "info", "sending": "info", "sent": "success", "dead": "danger"}
_REACHED = ("reached", "failing", "last_error")


class AddressForm(CodeForm):
    """A form that looks at the form of the address before it is saved."""

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        kind, address = said.get("kind"), said.get("address")
        if kind and address:
            try:
                check_address(kind, address)
            except Refused as refused:
                raise ValidationError({"address": str(refused)}) from refused
        return said


def check_address(kind: str, address: str) -> None:
    """Return when an endpoint's or a contact's address may be saved. Raises Refused, ValidationError."""
    if kind == ContactKind.EMAIL:
        forms.EmailField().clean(address)
    else:
        ways.check(kind, address)


class EndpointForm(AddressForm):
    """Categories as boxes to tick; none means every one."""

    categories = forms.MultipleChoiceField(
        choices=Category.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: every category.",
    )


class _End(LimitedChoices, AuditedAdmin):
    """What endpoints and contacts share: whether they are reached, and a test."""

    actions: Any = ("send_a_test",)
    readonly_fields = _REACHED

    @column("last reached", order="last_ok_at")
    def reached(self, end: Endpoint | Contact) -> str:
        return ago(end.last_ok_at) or "never"

    @column("failures in a row", order="failures", colours={"failing": "danger"})
    def failing(self, end: Endpoint | Contact) -> tuple[str, str] | None:
        return ("failing", str(end.failures)) if end.failures else None

    @column("address")
    def shown(self, end: Endpoint | Contact) -> str:
        return masked(end.address) if end.kind == EndpointKind.APPRISE else end.address

    @admin.action(description="Send a test", permissions=["change"])
    def send_a_test(self, request: HttpRequest, ends: "models.QuerySet[Any]") -> None:
        """Send a test to each of the chosen and tell how it went."""
        chosen = [end for end in ends if self.has_change_permission(request, end)]
        if len(chosen) > MOST_AT_ONCE:
            messages.error(request, f"Choose at most {MOST_AT_ONCE} at once.")
            return
        for tried in try_out(chosen, actor(request)):
            (messages.error if tried.error else messages.success)(request, tried.sentence)

    def audit(
        self,
        request: HttpRequest,
        verb: str,
        obj: models.Model,
        *,
        before: dict[str, Any] | None = None,
        path: str | None = None,
    ) -> None:
        """Write the entry without what is as good as a password."""
        told: Any = copy(obj)
        changed = before is not None and before["address"] != told.address
        renewed = before is not None and before.get("secret", "") != getattr(told, "secret", "")
        told.address = masked(told.address) + (" (changed)" if changed else "")
        if isinstance(told, Endpoint):
            told.secret = "renewed" if renewed else ""
        if before is not None:
            before = {**before, "address": masked(before["address"])}
            if "secret" in before:
                before["secret"] = ""
        super().audit(request, verb, told, before=before, path=path)


@admin.register(Endpoint)
class EndpointAdmin(_End):
    """Named addresses of programs and rooms, and whether they are reached."""

    form = EndpointForm
    list_display = ("name", "kind", "shown", "is_active", "reached", "failing", "last_error")
    list_filter = ("kind", "is_active")
    search_fields = ("name",)
    filter_horizontal = ("lines",)
    actions = ("send_a_test", "renew_the_secret")
    fieldsets = (
        (None, {"fields": ("name", "kind", "address", "is_active")}),
        ("What it is told", {"fields": ("lines", "categories", "least_priority")}),
        ("Whether it is reached", {"fields": _REACHED}),
    )
    seen_fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "kind", "shown", "is_active")}),
        *fieldsets[1:],
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        user = actor(request)
        if user.sees_all_lines:
            return rows
        foreign = Line.objects.exclude(pk__in=Line.objects.visible_to(user).values("pk"))
        return rows.exclude(lines__in=foreign).exclude(lines__isnull=True)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may = obj is None or self.has_change_permission(request, obj)
        return self.fieldsets if may else self.seen_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*_REACHED, "shown")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and actor(request).sees_all_lines

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("queryset", Line.objects.visible_to(actor(request)))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(
        self,
        request: HttpRequest,
        obj: Endpoint,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        is_new = obj.kind == EndpointKind.WEBHOOK and not obj.secret
        if is_new:
            obj.secret = secrets.token_urlsafe(32)
        super().save_model(request, obj, form, change)
        if is_new:
            _show_once(request, obj)

    @admin.action(description="Renew the secret", permissions=["change"])
    def renew_the_secret(self, request: HttpRequest, ends: "models.QuerySet[Endpoint]") -> None:
        """Give each of the chosen webhooks another secret and show it once."""
        for end in ends.filter(kind=EndpointKind.WEBHOOK):
            if self.has_change_permission(request, end):
                before = public_fields(end)
                end.secret = secrets.token_urlsafe(32)
                end.save(update_fields=["secret"])
                self.audit(request, "renew_secret", end, before=before)
                _show_once(request, end)


def _show_once(request: HttpRequest, end: Endpoint) -> None:
    messages.warning(
        request, f"The secret of {end.name}, which is not shown again: {end.secret}"
    )


@admin.register(Contact)
class ContactAdmin(_End):
    """Where people are reached, and whether they are."""

    form = AddressForm
    list_display = ("user", "kind", "shown", "is_active", "reached", "failing", "last_error")
    list_filter = ("kind", "is_active")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    autocomplete_fields = ("user",)
    fieldsets = (
        (None, {"fields": ("user", "kind", "address", "is_active")}),
        ("Whether it is reached", {"fields": _REACHED}),
    )
    seen_fieldsets: ClassVar[Any] = (
        (None, {"fields": ("user", "kind", "shown", "is_active")}),
        *fieldsets[1:],
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        user = actor(request)
        return rows if user.sees_all_lines else rows.filter(user=user)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may = obj is None or self.has_change_permission(request, obj)
        return self.fieldsets if may else self.seen_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*_REACHED, "shown")


@admin.register(Delivery)
class DeliveryAdmin(LimitedRecordAdmin):
    """The log of every notification: to whom, by which way, and what became of it."""

    within = "step__escalation__call__line"
    list_display = (
        "created_at",
        "call",
        "level",
        "channel",
        "to",
        "badge",
        "attempts",
        "next_try_at",
        "sent_at",
        "error",
    )
    list_filter = (
        "state",
        "channel",
        ("endpoint", admin.RelatedOnlyFieldListFilter),
        ("step__escalation__call__line", VisibleFilter),
    )
    list_select_related = (
        "step__escalation__call__line",
        "step__escalation__call__equipment",
        "endpoint",
        "user",
    )
    search_fields = ("key", "error", "user__username", "step__escalation__call__description")
    date_hierarchy = "created_at"
    actions: Any = ("send_again",)
    fields = (
        *("created_at", "call", "level", "channel", "to", "badge", "attempts", "next_try_at"),
        *("sent_at", "dead_at", "error", "key", "message_key"),
    )
    readonly_fields = ("call", "level", "to", "badge")

    @column("call")
    def call(self, row: Delivery) -> str:
        call = row.step.escalation.call
        return f"{call.line}: {call.description}"

    @column("level")
    def level(self, row: Delivery) -> str:
        return f"{row.step.get_kind_display()} {row.step.level}"

    @column("to")
    def to(self, row: Delivery) -> str:
        if row.endpoint is not None:
            return str(row.endpoint)
        address = masked(row.address) if row.channel == Channel.APPRISE else row.address
        return " ".join(part for part in (str(row.user or ""), address) if part)

    @column("state", order="state", colours=STATE_COLOURS)
    def badge(self, row: Delivery) -> tuple[str, str]:
        return row.state, row.get_state_display()

    def has_repeat_permission(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(REPEATS)

    @admin.action(description="Send again", permissions=["repeat"])
    def send_again(self, request: HttpRequest, rows: "models.QuerySet[Delivery]") -> None:
        """Have the chosen dead ones tried again."""
        who, at = actor(request), clock.now()
        again = sum(send_again(row, actor=who, at=at) for row in rows[:1000])
        messages.success(request, f"{again} are tried again.")
