"""API keys: made, shown once, found again by their digest."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from ms5.accounts.models import ApiToken, User

PREFIX = "ms5_"
# `last_used_at` is for people; writing it more often than this would be a write per request.
_USED_EVERY = timedelta(minutes=1)


class BadKey(ValueError):
    """No such key, or it is expired, revoked, or its user is disabled; which one is not told."""


def digest(key: str) -> str:
    """Return the SHA-256 of a key. A slow hash is not needed: the key has 256 bits of chance."""
    return hashlib.sha256(key.encode()).hexdigest()


def issue(user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Make a token; return it and the key, which cannot be had again."""
    key = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, name=name, prefix=key[:10], digest=digest(key), expires_at=expires_at
    )
    return token, key


def user_of(key: str, now: datetime) -> tuple[User, ApiToken]:
    """Return who holds the key. Raises BadKey."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), revoked_at__isnull=True)
        .filter(digest=digest(key), user__is_active=True)
        .first()
    )
    if token is None:
        raise BadKey("the token is not valid")
    if token.last_used_at is None or now - token.last_used_at > _USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user, token
