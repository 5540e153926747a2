"""`Authorization: Token ms5_...` for the REST API."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ms5.accounts.keys import BadKey, key_in, user_of
from ms5.accounts.models import ApiToken, User


class TokenAuthentication(BaseAuthentication):
    """Authenticate a program by its hashed token; 401 with a sentence when it is not valid."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        key = key_in([get_authorization_header(request).decode("latin-1")])
        if key is None:
            return None
        if not key:
            raise AuthenticationFailed("expected 'Authorization: Token KEY'")
        try:
            return user_of(key, timezone.now())
        except BadKey as bad:
            raise AuthenticationFailed(str(bad)) from bad

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
