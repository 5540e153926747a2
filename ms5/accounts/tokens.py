"""`Authorization: Token ms5_...` for the REST API."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ms5.accounts.keys import BadKey, user_of
from ms5.accounts.models import ApiToken, User


class TokenAuthentication(BaseAuthentication):
    """Authenticate a program by its hashed token; 401 with a sentence when it is not valid."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        match get_authorization_header(request).decode("latin-1").split():
            case [keyword, key] if keyword.lower() == "token":
                try:
                    return user_of(key, timezone.now())
                except BadKey as bad:
                    raise AuthenticationFailed(str(bad)) from bad
            case [keyword, *_] if keyword.lower() == "token":
                raise AuthenticationFailed("expected 'Authorization: Token KEY'")
            case _:
                return None

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
