"""Users with a role and lines, hashed tokens and tickets, attempts to sign in, and the audit record."""

from typing import Any, ClassVar, Optional

from django.contrib.auth.models import AbstractUser
from django.db import models

from ms5.accounts.roles import Role, TokenScope


class User(AbstractUser):
    """A person or a program. The role says what, line access says where.

    Who came with a token carries it: it narrows both, here and in `visible_to`, for whoever asks.
    """

    token: Optional["ApiToken"] = None

    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    all_lines = models.BooleanField(
        default=False,
        help_text="Sees every line; otherwise only those listed under line access.",
    )

    class Meta:
        ordering: ClassVar = ["username"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="a user has one of the roles"
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def sees_all_lines(self) -> bool:
        """Whether every line is seen, those of tomorrow too: no token that names lines stands between."""
        return self.all_lines and (self.token is None or self.token.lines is None)

    @property
    def may_read(self) -> bool:
        """Whether boards, figures and events may be told: always, unless a token has not that scope."""
        return self.token is None or TokenScope.READ in self.token.scopes

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the role gives the permission. A superuser needs none, unless a token narrows them."""
        if self.token is not None:
            return self.is_active and perm in self.get_all_permissions(obj)
        return super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        if self.token is not None:
            return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions())
        return super().has_module_perms(app_label)


def reading_only() -> list[str]:
    """Return the scopes of a token that was given none."""
    return [TokenScope.READ.value]


class ApiToken(models.Model):
    """A key for a program. Only its digest is stored; the key is shown once, when it is made.

    It can do what its user can do, as far as its scopes and lines reach.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="What it is for, such as 'MES export'.")
    prefix = models.CharField(
        max_length=12, help_text="Its first characters, to tell keys apart."
    )
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the key, in hex."
    )
    scopes = models.JSONField(default=reading_only, help_text="What it may be used for.")
    # Codes, which never change, and not rows: a line that is deleted must not take the last limit with it.
    lines = models.JSONField(
        null=True,
        blank=True,
        default=None,
        help_text="Codes of the lines it is limited to; none named: all that its user sees.",
    )
    kiosk = models.BooleanField(
        default=False,
        help_text="Of a screen on the floor: many of them may share one network address.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: does not expire."
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"


class Ticket(models.Model):
    """What opens one socket within half a minute, with the credential of whoever asked for it.

    The token, or else the session, goes on to decide: a ticket outlives neither.
    """

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, related_name="+")
    session_key = models.CharField(max_length=40, blank=True)
    password_stamp = models.CharField(max_length=128, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(token__isnull=False, session_key="")
                | models.Q(token__isnull=True) & ~models.Q(session_key=""),
                name="a ticket stands for a token or a session",
            ),
        ]

    def __str__(self) -> str:
        return f"ticket of {self.user}"


class SignInAttempts(models.Model):
    """Passwords that were tried and not right, for one account or from one address, of late.

    `key` is a keyed hash: a name that is no account may be a password typed into the wrong field.
    """

    key = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    address = models.CharField(max_length=45, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)
    again_at = models.DateTimeField(help_text="Before, nothing is even tried.")

    class Meta:
        ordering: ClassVar = ["-last_at"]
        verbose_name = "sign-in attempts"
        verbose_name_plural = "sign-in attempts"

    def __str__(self) -> str:
        return str(self.user or self.address or "a name that is no account")


class AuditEntry(models.Model):
    """Who did what to which object, before and after. Written in the transaction of the deed.

    Names are copied as text, so that the record outlives the user and the object.
    """

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="deeds")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60, help_text="Such as `plc.change`.")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_name = models.CharField(max_length=200)
    line_id = models.CharField(max_length=64, blank=True, help_text="Code of the line, if any.")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index(fields=["subject_type", "subject_id"], name="audit_subject"),
            models.Index(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject_name}"


class IdempotentAnswer(models.Model):
    """What an action answered to a key of its caller: the same key gets the same answer, and no second deed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="Of method, path and body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "key"], name="a caller uses a key for one deed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.user}"
