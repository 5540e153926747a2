"""The forms and the page by which people sign in, with a pause after too many wrong passwords."""

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ms5.accounts.models import User
from ms5.accounts.throttle import Attempt, TooMany, admit, succeeded
from ms5.addresses import client_address
from ms5.admin_base import length

if TYPE_CHECKING:
    AdminAuthenticationForm = AuthenticationForm
else:
    from unfold.forms import AuthenticationForm as AdminAuthenticationForm


class Throttled(AuthenticationForm):
    """Mix-in: counts before it looks at the password."""

    wait: timedelta | None = None
    """How long nothing is tried, when that was why the form was refused."""
    _attempt: Attempt | None = None

    def clean(self) -> dict[str, Any]:
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()
        try:
            self._attempt = admit(
                self.cleaned_data["username"], address_of(self.request), timezone.now()
            )
        except TooMany as refused:
            self.wait = refused.wait
            raise ValidationError(_too_many(refused), code="throttled") from refused
        return super().clean()

    def confirm_login_allowed(self, user: User) -> None:
        """Asked once the password was right, whether or not the page lets its owner in."""
        if self._attempt is not None:
            succeeded(self._attempt)
        super().confirm_login_allowed(user)


class SignInForm(Throttled):
    """Of our own page."""


class AdminSignInForm(Throttled, AdminAuthenticationForm):
    """Of the admin's page."""


class SignIn(LoginView):
    """The sign-in page; 429 with Retry-After while it is too early for another attempt."""

    template_name = "login.html"
    authentication_form = SignInForm

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, Throttled) and form.wait is not None:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response.headers["Retry-After"] = str(int(form.wait.total_seconds()) + 1)
        return response


def _too_many(refused: TooMany) -> str:
    of = "from this address" if refused.from_address else "for this account"
    wait = length(refused.wait.total_seconds() + 1)
    return (
        f"Too many wrong passwords {of}. Try again in {wait},"
        " or ask an administrator to let you in again."
    )


def address_of(request: HttpRequest | None) -> str:
    """Return the address the attempt is counted by."""
    if request is None:
        return client_address(None, (), 0)
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    peer = request.META.get("REMOTE_ADDR")
    return client_address(peer, [forwarded] if forwarded else [], settings.TRUSTED_PROXIES)
