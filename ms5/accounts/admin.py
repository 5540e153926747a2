"""Pages of users, tokens and the audit; the plant registers them, since it knows who sees which line."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from ms5.accounts.actions import issue_token, let_in_again, revoke_token
from ms5.accounts.audit import record
from ms5.accounts.audited import AuditedAdmin, actor
from ms5.accounts.models import ApiToken, AuditEntry, SignInAttempts, User, reading_only
from ms5.accounts.roles import TokenScope
from ms5.admin_base import (
    MonitoredAdmin,
    ReadOnly,
    RecordAdmin,
    RecordInline,
    ago,
    column,
    field_names,
)

if TYPE_CHECKING:
    PersonAdmin = DjangoUserAdmin[User]
else:
    PersonAdmin = DjangoUserAdmin

# Rights come from the role; a form of groups would promise what RoleBackend does not keep.
admin.site.unregister(Group)

ROLE_COLOURS = {"admin": "danger", "engineer": "info", "integrator": "primary"}
TOKEN_COLOURS = {"active": "success", "expired": "warning", "revoked": "danger"}


def _status(token: ApiToken) -> tuple[str, str]:
    if token.revoked_at is not None:
        return "revoked", "revoked"
    if token.expires_at is not None and token.expires_at <= timezone.now():
        return "expired", "expired"
    return "active", "active"


class TokenInline(RecordInline):
    """The keys of a user; they are made and revoked on their own page."""

    model = ApiToken
    fields = ("name", "prefix", "status", "created_at", "expires_at", "last_used_at")
    readonly_fields = fields
    show_change_link = True

    @column("status", colours=TOKEN_COLOURS)
    def status(self, token: ApiToken) -> tuple[str, str]:
        return _status(token)


class UserAdmin(PersonAdmin, AuditedAdmin):
    """People and programs: what they may do (role) and where (lines)."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display: tuple[str, ...] = (
        "username",
        "full_name",
        "role_name",
        "all_lines",
        "is_staff",
        "seen",
        "is_active",
    )
    list_filter = ("role", "all_lines", "is_staff", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    inlines: ClassVar[tuple[Any, ...]] = (TokenInline,)
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (
            "What and where",
            {
                "fields": ("role", "all_lines", "is_staff", "is_active"),
                "description": "The role says what; the lines below say where, unless all lines are seen."
                " Staff may enter this admin. Take the tick from active instead of deleting.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "password1", "password2", "role", "all_lines", "is_staff"),
                "description": "After saving, name the lines this user may see.",
            },
        ),
    )  # fmt: skip

    @column("name", order="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @column("role", order="role", colours=ROLE_COLOURS)
    def role_name(self, user: User) -> tuple[str, str]:
        return user.role, user.get_role_display()

    @column("last sign-in", order="last_login")
    def seen(self, user: User) -> str | None:
        return ago(user.last_login)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - as Django names it
        form_url: str = "",
    ) -> HttpResponse:
        """Django's page, its effect audited; the password itself is in no entry."""
        with transaction.atomic():
            before = User.objects.select_for_update().filter(pk=_number(id)).first()
            response = super().user_change_password(request, id, form_url)
            after = User.objects.filter(pk=_number(id)).first()
            if before and after and before.password != after.password:
                record(actor(request), "user.password", after)
        return response


def _number(text: str) -> int:
    """Return a primary key from a URL; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic outside of the stubs
    """A new token: whose, what for, how far it reaches, until when. The page says which lines there are."""

    scopes = forms.MultipleChoiceField(
        choices=TokenScope.choices,
        initial=reading_only,
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than the role of its user gives.",
    )
    lines = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all that its user sees, those of tomorrow too.",
    )

    def clean_lines(self) -> list[str] | None:
        return self.cleaned_data["lines"] or None

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError("This moment has passed; choose a later one, or none.")
        return expires_at


class TokenAdmin(AuditedAdmin):
    """Keys of programs: made here, shown once, revoked, never edited or deleted."""

    form = TokenForm
    list_display = ("name", "user", "prefix", "status", "reach", "expires_at", "used")
    list_filter = ("user__role", "kiosk", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["user", "name", "scopes", "lines", "kiosk", "expires_at"]
        return field_names(ApiToken, "id", "digest")

    def lines_to_offer(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return code and name of the lines that whoever makes a token may limit it to."""
        raise NotImplementedError

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as Django declares it
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        lines = form.base_fields.get("lines")  # of a class of its own for each request
        if isinstance(lines, forms.MultipleChoiceField):
            lines.choices = self.lines_to_offer(request)
        return form

    @column("status", colours=TOKEN_COLOURS)
    def status(self, token: ApiToken) -> tuple[str, str]:
        return _status(token)

    @column("reach")
    def reach(self, token: ApiToken) -> str:
        lines = "all its user sees" if token.lines is None else ", ".join(token.lines)
        return f"{', '.join(token.scopes)}: {lines}"

    @column("last used", order="last_used_at")
    def used(self, token: ApiToken) -> str | None:
        return ago(token.last_used_at)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apitoken")

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        token, key = issue_token(
            actor(request),
            obj.user,
            obj.name,
            obj.expires_at,
            scopes=obj.scopes,
            lines=obj.lines,
            kiosk=obj.kiosk,
        )
        obj.pk = token.pk
        obj.refresh_from_db()
        messages.warning(
            request, f"The key is {key} - copy it now: it is stored nowhere and not shown again."
        )  # fmt: skip

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: "models.QuerySet[ApiToken]") -> None:
        now = timezone.now()
        ended = sum(revoke_token(actor(request), token, now) for token in tokens)
        messages.success(request, f"{ended} revoked; whoever uses them is refused from now on.")


class AuditAdmin(RecordAdmin):
    """Who did what, before and after."""

    list_display = ("at", "actor_name", "action", "subject_type", "subject_name", "line_id")
    list_filter = ("subject_type", "action")
    search_fields = ("actor_name", "subject_name", "action", "line_id")
    date_hierarchy = "at"
    fields = tuple(field_names(AuditEntry, "id"))


class AttemptsAdmin(ReadOnly, MonitoredAdmin):
    """Wrong passwords of late: whom they keep out, until when, and the way back in before that."""

    list_display = ("who", "address", "failures", "last_at", "again_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    fields = tuple(field_names(SignInAttempts, "id", "key"))
    actions = ("let_in",)

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[SignInAttempts]":
        # A right password takes its own attempt back, and may leave a row of an address with none.
        return super().get_queryset(request).filter(failures__gt=0)

    @column("account")
    def who(self, attempts: SignInAttempts) -> str | None:
        return None if attempts.address else str(attempts)

    def has_let_in_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Let in again", permissions=["let_in"])
    def let_in(self, request: HttpRequest, chosen: "models.QuerySet[SignInAttempts]") -> None:
        for attempts in chosen:
            let_in_again(actor(request), attempts)
        messages.success(request, "They may try again at once.")
