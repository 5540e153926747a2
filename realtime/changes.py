"""What changes who may see what, told to the hubs of this process when it commits."""

from typing import Any

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save

from ms5.accounts.models import ApiToken, AuditEntry, User
from production.models import Equipment, LineAccess
from realtime.hub import running_hubs
from realtime.places import forget_places

# A token is revoked by a statement that sends no signal; that its audit entry is written does.
_WRITTEN = (User, ApiToken, LineAccess, AuditEntry)
# A session row is saved at nearly every page; only its end matters.
_DELETED = (User, ApiToken, LineAccess, Session)


def follow() -> None:
    """Connect the signals; once, when the apps are loaded."""
    for written in _WRITTEN:
        post_save.connect(_changed, sender=written, dispatch_uid=f"{written.__name__} written")
    for deleted in _DELETED:
        post_delete.connect(
            _changed, sender=deleted, dispatch_uid=f"{deleted.__name__} deleted"
        )
    for signal in (post_save, post_delete):
        signal.connect(forget_places, sender=Equipment, dispatch_uid="places")


def _changed(sender: type[models.Model], **_: Any) -> None:
    transaction.on_commit(_look_soon, robust=True)


def _look_soon() -> None:
    for hub in running_hubs():
        hub.watch.look_soon()
