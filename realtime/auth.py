"""Sign-in of a socket: a session cookie from an allowed origin, or a token in the header."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils import timezone

from ms5.accounts.keys import BadKey, user_of
from ms5.accounts.models import User
from realtime.access import Access, Credential, access_of

Scope = MutableMapping[str, Any]


class NotAuthenticated(Exception):
    """The credential is wrong, expired or missing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the handshake brought. A header `Authorization` makes cookies count for nothing."""

    token: str | None = None
    session_key: str | None = None
    origins: tuple[str, ...] = ()

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
        return Shown(token=token_in(by_name["authorization"]), origins=origins)
    cookies = parse_cookie("; ".join(by_name.get("cookie", ())))
    return Shown(session_key=cookies.get(settings.SESSION_COOKIE_NAME) or None, origins=origins)


def token_in(values: Iterable[str]) -> str:
    """Return the key of `Token KEY`; empty, which no key is, for anything else."""
    match " ".join(values).split():
        case [keyword, key] if keyword.lower() == "token":
            return key
        case _:
            return ""


def sign_in(shown: Shown) -> tuple[Credential, Access]:
    """Return who it is and what they see. Raises NotAuthenticated. Reads the database."""
    if shown.token is not None:
        try:
            user, token = user_of(shown.token, timezone.now())
        except BadKey as bad:
            raise NotAuthenticated(str(bad)) from bad
        return Credential(user_id=user.pk, token_id=token.pk), access_of(user)
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
    return credential, access_of(signed_in)


def _user_of_session(key: str) -> User | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None
