"""The API's default permission: signed in, and the role may do this to this model."""

from rest_framework.permissions import DjangoModelPermissions


class MayView(DjangoModelPermissions):
    """Django's model permissions, reading included; deny by default."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
        "OPTIONS": [],
    }
