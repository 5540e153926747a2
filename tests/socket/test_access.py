"""Permissions hold while connected: what is taken away falls silent, who is signed out is closed."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from ms5.accounts.models import ApiToken
from production.actions import observe
from tests.client import Client
from tests.factories import observation

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


@pytest.fixture
def browser(floor):
    """The viewer's browser."""
    browser = Browser()
    browser.force_login(floor.viewer)
    return browser


def with_session(server, browser):
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    return Client(server.url, headers={"Cookie": cookie, "Origin": settings.ALLOWED_ORIGINS[0]})


def test_a_logout_closes_the_socket(server, floor, browser):
    with with_session(server, browser) as client, server.client(floor.viewer) as program:
        client.subscribe("line", "L-OWN")
        program.receive()
        browser.logout()
        assert client.closed_with() == 4401
        assert program.pong() == []


def test_the_end_of_a_session_closes_the_socket(server, floor, browser):
    with with_session(server, browser) as client:
        client.receive()
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert client.closed_with() == 4401


def test_a_new_password_closes_sessions_and_not_tokens(server, floor, browser):
    with with_session(server, browser) as client, server.client(floor.viewer) as program:
        client.receive()
        program.receive()
        floor.viewer.set_password("another long one")
        floor.viewer.save()
        assert client.closed_with() == 4401
        assert program.pong() == []


def test_a_revoked_token_closes_its_socket(server, floor):
    with server.client(floor.viewer) as client:
        client.receive()
        ApiToken.objects.update(revoked_at=timezone.now())
        assert client.closed_with() == 4401


def test_a_disabled_account_is_told_so(server, floor):
    with server.client(floor.viewer) as client:
        client.receive()
        floor.viewer.is_active = False
        floor.viewer.save()
        assert client.closed_with() == 4403


def test_a_deleted_account_is_closed(server, floor):
    with server.client(floor.viewer) as client:
        client.receive()
        floor.viewer.delete()
        assert client.closed_with() == 4401


def test_a_revoked_line_falls_silent_and_the_subscription_says_why(server, floor):
    observe([observation(floor.machine, 0)])
    with server.client(floor.viewer) as client, server.client(floor.engineer) as other:
        client.subscribe("line", "L-OWN")
        client.subscribe("line", "all")
        other.subscribe("line", "L-OWN")
        floor.viewer.line_access.all().delete()
        ended = client.expect("error")
        assert (ended["code"], ended["subscription_type"], ended["target_id"]) == (
            "FORBIDDEN",
            "line",
            "L-OWN",
        )
        observe([observation(floor.machine, 1, state="stopped")])
        assert other.expect("equipment_state")["seq"] == 2
        assert client.quiet(0.5) == []
        client.send("get_subscriptions")
        details = client.expect("subscription_details")
        assert [entry["target_id"] for entry in details["subscriptions"]] == ["all"]
        assert details["positions"] == {"plant": 0}
        client.send("subscribe", subscription_type="line", target_id="L-OWN")
        assert client.expect("error")["code"] == "INVALID_TARGET"


def test_a_line_granted_later_joins_all_with_a_snapshot_of_its_own(server, floor):
    observe([observation(floor.foreign_machine, 0)])
    with server.client(floor.viewer) as client:
        first = client.subscribe("line", "all")
        assert set(first["positions"]) == {"L-OWN", "plant"}
        floor.viewer.line_access.create(line=floor.foreign)
        second = client.expect("snapshot")
        assert second["positions"] == {"L-OWN": 0, "L-FOREIGN": 1, "plant": 0}
        assert [item["line_id"] for item in second["items"]] == ["L-FOREIGN"]
        observe([observation(floor.foreign_machine, 1, state="stopped")])
        assert client.expect("equipment_state")["seq"] == 2
        assert [fact["seq"] for fact in client.facts()] == [2]


def test_a_line_taken_and_given_back_has_no_hole(server, floor):
    with server.client(floor.viewer) as client:
        client.subscribe("line", "all")
        grant = floor.viewer.line_access.get()
        grant.delete()
        deadline = time.monotonic() + 5
        while "L-OWN" in client.expect("heartbeat")["positions"]:
            assert time.monotonic() < deadline
        observe([observation(floor.machine, 0)])
        floor.viewer.line_access.create(line=floor.own)
        again = client.expect("snapshot")
        assert again["positions"]["L-OWN"] == 1
        assert [item["data"]["state"] for item in again["items"]] == ["running"]
        assert client.facts() == []
