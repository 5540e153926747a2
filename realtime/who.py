"""Who asks by HTTP: the holder of a token, or of a session."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone

from ms5.accounts.keys import BadKey, key_in, user_of
from ms5.accounts.models import User


def who_asks(request: HttpRequest) -> User | AnonymousUser:
    """Return who asks; a wrong token is nobody, not an error. Raises what the database raises."""
    header = request.headers.get("Authorization")
    if header is None:
        user = request.user
        # The session's user is looked up only when it is first touched: here.
        return user if user.is_authenticated else AnonymousUser()
    try:
        return user_of(key_in([header]) or "", timezone.now())[0]
    except BadKey:
        return AnonymousUser()
