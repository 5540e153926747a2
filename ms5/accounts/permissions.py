"""Permissions of the API: by default, signed in, and the role may do this to this model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission, DjangoModelPermissions

from ms5.accounts.models import User
from ms5.accounts.roles import SCOPES, Role, granted, meaning_of

if TYPE_CHECKING:  # the framework loads this module while it loads its own views
    from rest_framework.request import Request
    from rest_framework.views import APIView


class MayView(DjangoModelPermissions):
    """Django's model permissions, reading included; deny by default."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
        "OPTIONS": [],
    }

    message: str | None = None

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        may = super().has_permission(request, view)
        if not may and isinstance(request.user, User):
            model = self._queryset(view).model
            wanted = self.get_required_permissions(request.method or "", model)
            self.message = missing(request.user, wanted)
        return may


def missing(user: User, wanted: Iterable[str]) -> str:
    """Return the sentence that tells a user which of the wanted permissions is missing, and to whom."""
    for permission in wanted:
        if user.has_perm(permission):
            continue
        meaning = meaning_of(permission)
        if user.token is None or permission not in granted(user.role):
            return f"Your role, {Role(user.role).label.lower()}, may not {meaning}."
        scopes = [scope for scope, through in SCOPES.items() if permission in through]
        if scopes:
            return f"Your token has no scope for this: to {meaning} it needs `{scopes[0]}`."
        return f"No token may {meaning}: that is for people who are signed in."
    return "That is not for you to do."


class MayRead(BasePermission):
    """Signed in; with a token, one whose scopes let it read. For what is of no one model."""

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        return isinstance(request.user, User) and request.user.may_read
