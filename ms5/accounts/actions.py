"""What people do to API tokens: each one transaction with its audit entry."""

from datetime import datetime

from django.db import transaction

from ms5.accounts.audit import record
from ms5.accounts.keys import issue
from ms5.accounts.models import ApiToken, User


def issue_token(
    actor: User, user: User, name: str, expires_at: datetime | None
) -> tuple[ApiToken, str]:
    """Make a token of `user`; return it and its key, which is stored nowhere and shown once."""
    with transaction.atomic():
        token, key = issue(user, name, expires_at)
        after = {"user": str(user), "name": name, "expires_at": expires_at}
        record(actor, "apitoken.add", token, after=after)
    return token, key


def revoke_token(actor: User, token: ApiToken, now: datetime) -> bool:
    """End a token at once; False, and nothing is written, if it had ended before."""
    with transaction.atomic():
        # Compare and set: of two people who revoke at once, one does and one is told.
        live = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
        if not live.update(revoked_at=now):
            return False
        record(actor, "apitoken.revoke", token, after={"revoked_at": now})
    return True
