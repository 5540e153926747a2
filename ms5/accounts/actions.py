"""What people do to API tokens and attempts to sign in: each one transaction with its audit entry."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from ms5.accounts.audit import record
from ms5.accounts.keys import issue
from ms5.accounts.models import ApiToken, SignInAttempts, User


def issue_token(
    actor: User,
    user: User,
    name: str,
    expires_at: datetime | None,
    *,
    scopes: Sequence[str] | None = None,
    lines: Sequence[str] | None = None,
    kiosk: bool = False,
) -> tuple[ApiToken, str]:
    """Make a token of `user`; return it and its key, which is stored nowhere and shown once.

    That the actor sees the lines is for the caller to have looked at.
    """
    with transaction.atomic():
        token, key = issue(user, name, expires_at, scopes=scopes, lines=lines, kiosk=kiosk)
        after = {
            "user": str(user),
            "name": name,
            "expires_at": expires_at,
            "scopes": token.scopes,
            "lines": token.lines,
            "kiosk": kiosk,
        }
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


def let_in_again(actor: User, attempts: SignInAttempts) -> None:
    """Forget the wrong passwords of an account or an address, so that the next one is tried."""
    with transaction.atomic():
        after = {"failures": attempts.failures}
        record(actor, "signinattempts.let_in", attempts, after=after)
        SignInAttempts.objects.filter(pk=attempts.pk).delete()
