"""Sign-in of a socket: a session cookie from an allowed origin, a token in the header, or a ticket."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils import timezone

from ms5.accounts.keys import BadKey, key_in, user_of
from ms5.accounts.models import User
from ms5.accounts.tickets import redeem
from realtime.access import Access, Credential, access_of, look_again
from realtime.protocol import CloseCode

Scope = MutableMapping[str, Any]


class NotAuthenticated(Exception):
    """The credential is wrong, expired or missing."""


class NotAllowed(Exception):
    """The account is disabled, or the token may not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Who was let in. Kiosks are not counted by address: a wall of screens shares one."""

    credential: Credential
    access: Access
    is_kiosk: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What the handshake brought. A header `Authorization` makes cookies count for nothing."""

    token: str | None = None
    session_key: str | None = None
    origins: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether no credential at all was brought, so that a ticket may follow, from whatever origin."""
        return self.token is None and self.session_key is None

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether a browser sends a session cookie for a page that is not one of ours."""
        if self.token is not None or self.session_key is None:
            return False
        return len(self.origins) != 1 or self.origins[0] not in settings.ALLOWED_ORIGINS


def shown_by(scope: Scope) -> Shown:
    """Return what the headers of the handshake show; nothing is looked up."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    by_name: dict[str, list[str]] = {}
    for name, value in headers:
        by_name.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    origins = tuple(by_name.get("origin", ()))
    if "authorization" in by_name:
        # Another scheme is no sign-in either: as a key that nobody holds.
        return Shown(token=key_in(by_name["authorization"]) or "", origins=origins)
    cookies = parse_cookie("; ".join(by_name.get("cookie", ())))
    return Shown(session_key=cookies.get(settings.SESSION_COOKIE_NAME) or None, origins=origins)


def sign_in(shown: Shown) -> Guest:
    """Return who it is and what they see. Raises NotAuthenticated or NotAllowed. Reads the database."""
    if shown.token is not None:
        try:
            user, token = user_of(shown.token, timezone.now())
        except BadKey as bad:
            raise NotAuthenticated(str(bad)) from bad
        if not user.may_read:
            raise NotAllowed("the token may not read")
        credential = Credential(user_id=user.pk, token_id=token.pk)
        return Guest(credential=credential, access=access_of(user), is_kiosk=token.kiosk)
    if shown.session_key is None:
        raise NotAuthenticated("no credential")
    signed_in = _user_of_session(shown.session_key)
    if signed_in is None:
        raise NotAuthenticated("the session is not valid")
    credential = Credential(
        user_id=signed_in.pk,
        session_key=shown.session_key,
        password_stamp=signed_in.get_session_auth_hash(),
    )
    return Guest(credential=credential, access=access_of(signed_in))


def sign_in_with_ticket(ticket: str) -> Guest:
    """Return who made the ticket, as they are now; it is used up whatever comes of it.

    The connection is theirs as if they had opened it with what they made the ticket with: it ends with that
    session or token. Raises NotAuthenticated or NotAllowed. Reads and writes the database.
    """
    now = timezone.now()
    try:
        found = redeem(ticket, now)
    except BadKey as bad:
        raise NotAuthenticated(str(bad)) from bad
    credential = Credential(
        user_id=found.user_id,
        token_id=found.token_id,
        session_key=found.session_key,
        password_stamp=found.password_stamp,
    )
    match look_again([credential], now)[credential]:
        case Access() as access:
            is_kiosk = found.token is not None and found.token.kiosk
            return Guest(credential=credential, access=access, is_kiosk=is_kiosk)
        case CloseCode.DISABLED:
            raise NotAllowed("this account or token may not listen")
        case _:
            raise NotAuthenticated("the sign-in that made the ticket is over")


def _user_of_session(key: str) -> User | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None
