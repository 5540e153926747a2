"""API keys: made, shown once, found again by their digest."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from ms5.accounts.models import ApiToken, User, reading_only

PREFIX = "ms5_"
# `last_used_at` is for people; writing it more often than this would be a write per request.
_USED_EVERY = timedelta(minutes=1)


class BadKey(ValueError):
    """No such key, or it is expired, revoked, or its user is disabled; which one is not told."""


def digest(key: str) -> str:
    """Return the SHA-256 of a key. A slow hash is not needed: the key has 256 bits of chance."""
    return hashlib.sha256(key.encode()).hexdigest()


def issue(
    user: User,
    name: str,
    expires_at: datetime | None = None,
    *,
    scopes: Sequence[str] | None = None,
    lines: Sequence[str] | None = None,
    kiosk: bool = False,
) -> tuple[ApiToken, str]:
    """Make a token; return it and the key, which cannot be had again.

    Without scopes it reads; with no lines it reaches all those of its user.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=key[:10],
        digest=digest(key),
        expires_at=expires_at,
        scopes=reading_only() if scopes is None else list(scopes),
        lines=None if lines is None else list(lines),
        kiosk=kiosk,
    )
    return token, key


def key_in(authorization: Iterable[str]) -> str | None:
    """Return the key of `Token KEY`, the values of the header `Authorization`; None for another scheme.

    What says Token and shows no single key has the empty one, which nobody holds.
    """
    match " ".join(authorization).split():
        case [keyword, key] if keyword.lower() == "token":
            return key
        case [keyword, *_] if keyword.lower() == "token":
            return ""
        case _:
            return None


def user_of(key: str, now: datetime) -> tuple[User, ApiToken]:
    """Return who holds the key, carrying the token and so its limits. Raises BadKey."""
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
    token.user.token = token
    return token.user, token
