"""Permissions hold while connected: what is taken away falls silent, who is signed out is closed."""

import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from ms5.accounts.actions import revoke_token
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
        told, anew = client.quiet(0.5)
        assert (told["type"], anew["type"]) == ("subscription_confirmed", "snapshot")
        assert (anew["target_id"], anew["positions"], anew["items"]) == (
            "all",
            {"plant": 0},
            [],
        )
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
        # The tail passes it while nobody may hear it.
        while server.hub.positions.get("L-OWN") != 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        floor.viewer.line_access.create(line=floor.own)
        again = client.expect("snapshot")
        while "L-OWN" not in again["positions"]:
            again = client.expect("snapshot")  # of all that was left, when it was taken
        assert again["positions"]["L-OWN"] == 1
        assert [item["data"]["state"] for item in again["items"]] == ["running"]
        assert client.facts() == []


def test_a_session_deleted_by_another_process_closes_within_a_second_or_two(
    server, floor, browser
):
    with with_session(server, browser) as client, server.client(floor.viewer) as control:
        client.receive()
        control.receive()
        key = browser.cookies["sessionid"].value
        # A statement sends no signal, as if it had run elsewhere.
        Session.objects.filter(session_key=key)._raw_delete("default")
        assert client.closed_with(within_s=4) == 4401
        assert control.pong() == []


def test_a_token_that_expires_closes_its_socket_and_no_other(server, floor):
    with server.client(floor.viewer) as client, server.client(floor.engineer) as control:
        client.receive()
        control.receive()
        soon = timezone.now() + timedelta(seconds=0.5)
        ApiToken.objects.filter(user=floor.viewer).update(expires_at=soon)
        assert client.closed_with() == 4401
        assert control.pong() == []


def test_a_token_that_may_not_read_any_more_is_closed_and_told_so(server, floor):
    with server.client(floor.engineer) as client, server.client(floor.engineer) as control:
        client.receive()
        control.receive()
        first = ApiToken.objects.order_by("pk").first()
        ApiToken.objects.filter(pk=first.pk).update(scopes=["production"])
        assert client.closed_with() == 4403
        assert control.pong() == []


def test_a_line_taken_from_a_token_falls_silent_while_another_token_hears_on(server, floor):
    observe([observation(floor.machine, 0)])
    with server.client(floor.engineer) as client, server.client(floor.engineer) as control:
        for each in (client, control):
            each.subscribe("line", "L-OWN")
        first = ApiToken.objects.order_by("pk").first()
        ApiToken.objects.filter(pk=first.pk).update(lines=["L-FOREIGN"])
        ended = client.expect("error")
        assert (ended["code"], ended["target_id"]) == ("FORBIDDEN", "L-OWN")
        observe([observation(floor.machine, 1, state="stopped")])
        assert control.expect("equipment_state")["seq"] == 2
        assert client.quiet(0.5) == []
        assert client.facts() == []
        client.send("subscribe", subscription_type="equipment", target_id="M.OWN")
        assert client.expect("error")["code"] == "INVALID_TARGET"
        client.subscribe("line", "L-FOREIGN")


def test_a_role_that_no_longer_sees_operations_is_told_no_totals(server, floor):
    with server.client(floor.engineer) as client:
        client.send("get_stats")
        assert client.expect("connection_stats")["process"]["connections"] == 1
        floor.engineer.role = "viewer"
        floor.engineer.save()
        deadline = time.monotonic() + 5
        while True:
            assert time.monotonic() < deadline
            time.sleep(0.3)  # five messages' worth of patience
            client.send("get_stats")
            if "process" not in client.expect("connection_stats"):
                break


def test_what_is_taken_away_in_this_process_is_gone_without_a_look_by_the_clock(
    server, floor, browser, monkeypatch
):
    monkeypatch.setattr("realtime.watch._EVERY_S", 3600)
    with (
        server.client(floor.viewer) as client,
        server.client(floor.engineer) as control,
        with_session(server, browser) as page,
    ):
        client.subscribe("line", "L-OWN")
        control.subscribe("line", "L-OWN")
        page.receive()
        browser.logout()
        assert page.closed_with() == 4401
        floor.viewer.line_access.get().delete()
        assert client.expect("error")["code"] == "FORBIDDEN"
        token = ApiToken.objects.get(user=floor.viewer)
        assert revoke_token(floor.engineer, token, timezone.now()) is True
        assert client.closed_with() == 4401
        assert control.pong() == []
        floor.engineer.is_active = False
        floor.engineer.save()
        assert control.closed_with() == 4403


def test_a_change_that_is_rolled_back_takes_nothing_away(server, floor):
    class Mistake(Exception):
        pass

    with server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        with suppress(Mistake), transaction.atomic():
            floor.viewer.line_access.get().delete()
            raise Mistake
        assert client.quiet(1.5) == []
        assert floor.viewer.line_access.count() == 1
