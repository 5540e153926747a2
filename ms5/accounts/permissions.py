"""Permissions of the API: by default, signed in, and the role may do this to this model."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission, DjangoModelPermissions

from ms5.accounts.models import User

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


class MayRead(BasePermission):
    """Signed in; with a token, one whose scopes let it read. For what is of no one model."""

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        return isinstance(request.user, User) and request.user.may_read
