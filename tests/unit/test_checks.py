"""What MS5 refuses to be started with."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from ms5.checks import is_loopback, refuse_unsafe


def ids():
    return {message.id for message in run_checks(tags=["security"])}


@pytest.fixture(autouse=True)
def _safe(settings):
    settings.HOST = "127.0.0.1"
    settings.DEBUG = settings.HTTPS = False
    settings.SECRET_KEY = "f7Zq0vXw3nB8mKt5yR2cJ6hL9sD4gA1p"
    settings.ALLOWED_HOSTS = ["localhost"]


def test_the_defaults_are_safe():
    assert ids() == set()
    refuse_unsafe()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),  # noqa: S104 - that is the point
        ("::", False),
        ("10.0.0.5", False),
        ("ms5.example.com", False),
        ("", False),
    ],
)
def test_the_loopback_is_known(host, expected):
    assert is_loopback(host) is expected


def test_debug_is_refused_off_the_loopback_and_allowed_on_it(settings):
    settings.DEBUG = True
    assert ids() == set()
    settings.HOST = "0.0.0.0"  # noqa: S104 - that is the point
    assert ids() == {"ms5.E001", "ms5.W001"}
    with pytest.raises(
        ImproperlyConfigured, match=r"DEBUG is on while MS5 listens on 0\.0\.0\.0"
    ):
        refuse_unsafe()


@pytest.mark.parametrize(
    "key",
    [
        "k3yk3y",
        "x" * 60,
        "django-insecure-f7Zq0vXw3nB8mKt5yR2cJ6h",
        "change-me-f7Zq0vXw3nB8mKt5yR2cJ6h",
    ],
)
def test_a_weak_key_is_refused(settings, key):
    settings.SECRET_KEY = key
    assert ids() == {"ms5.E002"}
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY") as refusal:
        refuse_unsafe()
    assert key not in str(refusal.value)


@pytest.mark.parametrize("hosts", [["*"], ["localhost", "*"]])
def test_any_host_is_refused(settings, hosts):
    settings.ALLOWED_HOSTS = hosts
    assert ids() == {"ms5.E003"}


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("sqlite3", {}, {"ms5.E004"}),
        ("sqlite3", {"transaction_mode": "DEFERRED"}, {"ms5.E004"}),
        ("sqlite3", {"transaction_mode": "IMMEDIATE"}, set()),
        ("postgresql", {}, set()),
    ],
)
def test_sqlite_that_upgrades_its_locks_is_refused(
    settings, monkeypatch, engine, options, expected
):
    database = {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert ids() == expected


def test_plain_http_beyond_the_loopback_is_warned_of_and_not_refused(settings):
    settings.HOST = "10.0.0.5"
    assert ids() == {"ms5.W001"}
    refuse_unsafe()
    settings.HTTPS = True
    assert ids() == set()
