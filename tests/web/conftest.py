"""The two lines, and a browser's or a program's way in."""

import pytest
from django.test import Client

from ms5.accounts.keys import issue
from ms5.accounts.models import ApiToken, AuditEntry, SignInAttempts, User
from ms5.events.log import epoch
from ms5.processes.models import Heartbeat, Lease, Run
from production.models import LineAccess
from tests.floor import T0
from tests.web import plant


@pytest.fixture
def own(db) -> plant.Floor:
    """The line that the people of a test may see."""
    return plant.equip(plant.line(plant.OWN, 1))


@pytest.fixture
def foreign(db) -> plant.Floor:
    """A line that they may not."""
    return plant.equip(plant.line(plant.FOREIGN, 2))


@pytest.fixture
def as_user():
    """Return a client signed in as the user, as a browser is."""

    def client(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return client


@pytest.fixture
def with_key():
    """Return a client with a token of the user, as a program has."""

    def client(user: User, **limits) -> Client:
        _, key = issue(user, "of a test", **limits)
        return Client(headers={"Authorization": f"Token {key}"})

    return client


@pytest.fixture
def operations(db):
    """The rows that hang on no line."""
    epoch()
    Heartbeat.objects.create(name="production", period_s=1, instance="h:1", ok_at=T0, took_ms=3)
    Lease.objects.create(name="poll.0", holder="h:1", until=T0)
    Run.objects.create(name="production", instance="h:1", began_at=T0)


@pytest.fixture
def root(own, operations, as_user) -> Client:
    """Someone who may do all there is, and Django's superuser besides."""
    user = plant.person(
        "root", "admin", all_lines=True, is_staff=True, is_superuser=True, first_name="Ada"
    )
    LineAccess.objects.create(user=user, line=own.line)
    ApiToken.objects.create(user=user, name="export", prefix="ms5_abc", digest="d" * 64)
    SignInAttempts.objects.create(
        key="k" * 64, address="192.0.2.1", failures=7, last_at=T0, again_at=T0
    )
    AuditEntry.objects.create(
        actor=user, actor_name="Ada", action="line.add", line_id=own.line.code
    )
    return as_user(user)


@pytest.fixture
def engineer(own, foreign, as_user) -> Client:
    """An engineer of the own line alone."""
    return as_user(plant.person("engineer", "engineer", own.line, is_staff=True))
