"""Tickets over HTTP: who gets one, what is kept of it, and that two sockets cannot share it."""

import hashlib
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.utils import timezone

from ms5.accounts.keys import BadKey, issue
from ms5.accounts.models import Ticket
from ms5.accounts.tickets import Maker, issue_ticket, redeem
from tests.web import plant

PATH = "/api/v1/ws-tickets/"


@pytest.fixture
def viewer(own):
    return plant.person("viewer", "viewer", own.line)


def test_a_ticket_is_for_half_a_minute_and_only_its_hash_is_kept(viewer, as_user):
    browser = as_user(viewer)
    answer = browser.post(PATH)
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 30)
    assert answer.headers["Cache-Control"] == "no-store"
    key = answer.json()["ticket"]
    assert key.startswith("ms5t_")
    assert len(key) == 48
    row = Ticket.objects.get()
    assert row.digest == hashlib.sha256(key.encode()).hexdigest()
    assert key not in str(vars(row))
    assert (row.user, row.token, row.used_at) == (viewer, None, None)
    assert row.session_key == browser.cookies["sessionid"].value
    assert timedelta(seconds=29) < row.expires_at - timezone.now() <= timedelta(seconds=30)


def test_a_ticket_of_a_token_stands_for_the_token(viewer):
    token, key = issue(viewer, "a kiosk", lines=["L-OWN"])
    program = Client(headers={"Authorization": f"Token {key}"})
    assert program.post(PATH).status_code == 201
    row = Ticket.objects.get()
    assert (row.token, row.session_key, row.password_stamp) == (token, "", "")


def test_a_stranger_gets_none(viewer, client):
    assert client.post(PATH).status_code == 401
    assert client.post(PATH, headers={"Authorization": "Token ms5_forged"}).status_code == 401
    assert Ticket.objects.count() == 0


def test_a_foreign_page_cannot_ask_for_one_with_our_cookie(viewer):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(viewer)
    assert browser.post(PATH).status_code == 403
    browser.get("/login/")  # gives the cookie that our own pages send back
    token = browser.cookies["csrftoken"].value
    assert browser.post(PATH, headers={"X-CSRFToken": token}).status_code == 201
    assert Ticket.objects.count() == 1


def test_tickets_go_when_their_time_is_over(viewer, as_user):
    browser = as_user(viewer)
    for _ in range(3):
        browser.post(PATH)
    Ticket.objects.update(expires_at=timezone.now())
    browser.post(PATH)
    assert Ticket.objects.count() == 1


def test_a_ticket_is_redeemed_once_and_not_when_its_time_is_over(viewer):
    now = timezone.now()
    ticket = issue_ticket(Maker(viewer, session_key="s" * 32), now)
    assert redeem(ticket, now + timedelta(seconds=29)).user == viewer
    with pytest.raises(BadKey):
        redeem(ticket, now + timedelta(seconds=29))
    late = issue_ticket(Maker(viewer, session_key="s" * 32), now)
    with pytest.raises(BadKey):
        redeem(late, now + timedelta(seconds=30))
    for wrong in ("", "ms5t_", late[:-1], late + "x", late.upper(), "\x00"):
        with pytest.raises(BadKey):
            redeem(wrong, now)


def test_a_ticket_of_nothing_cannot_be_stored(viewer):
    with pytest.raises(IntegrityError), transaction.atomic():
        issue_ticket(Maker(viewer), timezone.now())


@pytest.mark.django_db(transaction=True)
def test_of_many_who_redeem_it_at_once_one_succeeds(viewer):
    now = timezone.now()
    for _ in range(5):
        ticket = issue_ticket(Maker(viewer, session_key="s" * 32), now)
        start, won, lost = threading.Barrier(4), [], []

        def show(ticket=ticket, start=start, won=won, lost=lost):
            try:
                start.wait(10)
                won.append(redeem(ticket, now).pk)
            except BadKey:
                lost.append(1)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=show) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert (len(won), len(lost)) == (1, 3)
