"""The limits of the sockets as the settings say, and the refusal to start with such as cannot be kept."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from realtime.limits import BadLimits, Limits, limits_of


def configured_limits() -> Limits:
    """Return the limits with what MS5_LIMIT_... variables replace. Raises ImproperlyConfigured."""
    try:
        return limits_of(settings.SOCKET_LIMITS)
    except BadLimits as bad:
        raise ImproperlyConfigured(f"MS5_LIMIT_...: {bad}") from bad


def limits_can_be_kept(**_: Any) -> list[CheckMessage]:
    """E005: a server with a limit of nothing lets nobody in, or everything."""
    try:
        limits_of(settings.SOCKET_LIMITS)
    except BadLimits as bad:
        return [
            Error(
                f"The limits of the sockets cannot be kept: {bad}.",
                hint="Correct the variables MS5_LIMIT_..., which .env.example names.",
                id="ms5.E005",
            )
        ]
    return []


def proxies_are_counted(**_: Any) -> list[CheckMessage]:
    """E006: fewer than no proxies would make everyone believe what strangers write."""
    if settings.TRUSTED_PROXIES >= 0:
        return []
    return [
        Error(
            "MS5_TRUSTED_PROXIES is below zero.",
            hint="Set it to how many proxies of yours a request passes, 0 without any.",
            id="ms5.E006",
        )
    ]


def install() -> None:
    """Register the checks with Django."""
    for check in (limits_can_be_kept, proxies_are_counted):
        register(check, Tags.security)
