"""Users, tokens and the audit, as far as the lines of whoever looks reach."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from ms5.accounts.admin import (
    AttemptsAdmin,
    AuditAdmin,
    TokenAdmin,
    TokenInline,
    UserAdmin,
)
from ms5.accounts.audited import AuditedInline, actor
from ms5.accounts.models import ApiToken, AuditEntry, SignInAttempts, User
from ms5.admin_base import column
from production.admin.base import LimitedChoices
from production.models import Line, LineAccess
from production.visibility import codes_visible_to, governs


class LineAccessInline(LimitedChoices, AuditedInline):
    """The lines a user may see. Whoever may edit the user may edit these."""

    model = LineAccess
    line_code_path = "line.code"
    verbose_name = "line"
    verbose_name_plural = "lines this user may see"
    autocomplete_fields = ("line",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.view_user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.change_user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.change_user")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.change_user")


@admin.register(User)
class PlantUserAdmin(UserAdmin):
    """Users with their lines. Nobody edits a user who sees more than they do, nor gives what they have not."""

    inlines = (
        LineAccessInline,
        TokenInline,
    )
    list_display = (
        "username",
        "full_name",
        "role_name",
        "lines",
        "is_staff",
        "seen",
        "is_active",
    )

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).prefetch_related("line_access__line")

    @column("lines")
    def lines(self, user: User) -> str:
        if user.all_lines:
            return "all"
        return ", ".join(access.line.code for access in user.line_access.all()) or "none"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if actor(request).all_lines else (*fields, "all_lines")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or governs(actor(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or governs(actor(request), obj))


@admin.register(ApiToken)
class PlantTokenAdmin(TokenAdmin):
    """Tokens, made only for users who see no more than who makes them, and limited to lines these see."""

    def lines_to_offer(self, request: HttpRequest) -> list[tuple[str, str]]:
        seen = Line.objects.visible_to(actor(request)).values_list("code", "name")
        return [(code, f"{code} · {name}") for code, name in seen]

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "user" and not actor(request).all_lines:
            people = User.objects.filter(all_lines=False).prefetch_related("line_access")
            mine = [each.pk for each in people if governs(actor(request), each)]
            kwargs["queryset"] = User.objects.filter(pk__in=mine)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(AuditEntry)
class PlantAuditAdmin(AuditAdmin):
    """The audit; who sees some lines sees the entries of those."""

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        entries = super().get_queryset(request)
        if actor(request).all_lines:
            return entries
        return entries.filter(line_id__in=codes_visible_to(actor(request)))


@admin.register(SignInAttempts)
class PlantAttemptsAdmin(AttemptsAdmin):
    """Attempts; who does not see every line sees those of the accounts that see no more than they do."""

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        if actor(request).all_lines:
            return rows
        people = User.objects.filter(all_lines=False).prefetch_related("line_access")
        return rows.filter(
            user__in=[each.pk for each in people if governs(actor(request), each)]
        )
