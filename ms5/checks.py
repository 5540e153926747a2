"""What must hold before MS5 is started: system checks for the command line, a refusal for servers."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 32
FEWEST_CHARACTERS = 8


def is_loopback(host: str) -> bool:
    """Whether the host can be reached from this machine alone."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def debug_stays_here(**_: Any) -> list[CheckMessage]:
    """E001: with DEBUG a stranger reads settings and code from an error page."""
    if not settings.DEBUG or is_loopback(settings.HOST):
        return []
    return [
        Error(
            f"DEBUG is on while MS5 listens on {settings.HOST}.",
            hint="Unset DEBUG, or listen on MS5_HOST=127.0.0.1.",
            id="ms5.E001",
        )
    ]


def secret_is_secret(**_: Any) -> list[CheckMessage]:
    """E002: who can guess the key signs sessions of their own."""
    key = str(settings.SECRET_KEY)
    weak = len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS
    if not weak and not key.startswith(("django-insecure-", "change-me", "changeme")):
        return []
    return [
        Error(
            "SECRET_KEY is short, uniform or a placeholder.",
            hint=f"Set SECRET_KEY to at least {SHORTEST_KEY} random characters, such as"
            " `python -c 'import secrets; print(secrets.token_urlsafe(48))'` prints.",
            id="ms5.E002",
        )
    ]


def hosts_are_named(**_: Any) -> list[CheckMessage]:
    """E003: with any host allowed, links in mails and redirects can be made to lead elsewhere."""
    if not any(host in {"*", "."} for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "ALLOWED_HOSTS allows any host.",
            hint="Name the hosts under which MS5 is reached: ALLOWED_HOSTS=ms5.example.com",
            id="ms5.E003",
        )
    ]


def writers_wait_on_sqlite(**_: Any) -> list[CheckMessage]:
    """E004: a transaction that reads first and then writes fails at once beside another writer."""
    database = settings.DATABASES["default"]
    options = database.get("OPTIONS", {})
    if (
        not str(database["ENGINE"]).endswith("sqlite3")
        or options.get("transaction_mode") == "IMMEDIATE"
    ):
        return []
    return [
        Error(
            "SQLite is used without transaction_mode=IMMEDIATE.",
            hint="Leave OPTIONS of the default database as ms5.settings sets them.",
            id="ms5.E004",
        )
    ]


def https_beyond_loopback(**_: Any) -> list[CheckMessage]:
    """W001: passwords and session cookies cross the network in the clear."""
    if settings.HTTPS or is_loopback(settings.HOST):
        return []
    return [
        Warning(
            f"MS5 listens on {settings.HOST} without HTTPS.",
            hint="Put a TLS proxy before it and set MS5_HTTPS=1.",
            id="ms5.W001",
        )
    ]


CHECKS = (
    debug_stays_here,
    secret_is_secret,
    hosts_are_named,
    writers_wait_on_sqlite,
    https_beyond_loopback,
)


def install() -> None:
    """Register the checks with Django, so that `manage.py` runs them before any command that matters."""
    for check in CHECKS:
        register(check, Tags.security)


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured for every error. For servers, which start without `manage.py`."""
    found: Sequence[CheckMessage] = [message for check in CHECKS for message in check()]
    errors = [message for message in found if message.is_serious()]
    if errors:
        raise ImproperlyConfigured(
            " ".join(f"{error.id}: {error.msg} {error.hint}" for error in errors)
        )
