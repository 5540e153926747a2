"""Permissions from the table of roles."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from ms5.accounts.models import User
from ms5.accounts.roles import granted


class RoleBackend(ModelBackend):
    """Django's password check; what a user may do comes from the role, within the scopes of a token."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        token = user_obj.token
        return set(granted(user_obj.role, None if token is None else token.scopes))

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        prefix = f"{app_label}."
        return any(name.startswith(prefix) for name in self.get_all_permissions(user_obj))
