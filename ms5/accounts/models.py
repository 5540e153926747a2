"""Users with a role and lines, hashed tokens, and the audit record."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models

from ms5.accounts.roles import Role


class User(AbstractUser):
    """A person or a program. The role says what, line access says where."""

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


class ApiToken(models.Model):
    """A key for a program. Only its digest is stored; the key is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="What it is for, such as 'MES export'.")
    prefix = models.CharField(
        max_length=12, help_text="Its first characters, to tell keys apart."
    )
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the key, in hex."
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
