"""Who is let in: a session from an allowed origin, or a token; everyone else learns nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from ms5.accounts.keys import issue
from tests.client import Client
from tests.socket.conftest import LIMITS, serving

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
OURS = settings.ALLOWED_ORIGINS[0]


@pytest.fixture
def cookie(floor):
    """The session cookie of the viewer's browser."""
    browser = Browser()
    browser.force_login(floor.viewer)
    return f"sessionid={browser.cookies['sessionid'].value}"


def test_a_session_from_our_own_page_is_let_in(server, floor, cookie):
    with Client(server.url, headers={"Cookie": cookie, "Origin": OURS}) as client:
        assert client.receive()["user"]["name"] == "viewer"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        OURS + ".evil.example",
        OURS.replace("http:", "https:"),
        OURS.rsplit(":", 1)[0],
        OURS + "/",
        OURS.upper(),
    ],
)
def test_a_session_from_elsewhere_is_refused_before_a_byte_is_sent(server, cookie, origin):
    headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
    with pytest.raises(InvalidStatus) as refused, Client(server.url, headers=headers):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("value", ["sessionid=forged", "sessionid=" + "x" * 32])
def test_a_forged_session_is_told_to_sign_in(server, floor, value):
    with Client(server.url, headers={"Cookie": value, "Origin": OURS}) as client:
        assert client.closed_with() == 4401
        assert client.seen == []


def test_an_expired_session_is_told_to_sign_in(server, floor, cookie):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    with Client(server.url, headers={"Cookie": cookie, "Origin": OURS}) as client:
        assert client.closed_with() == 4401


def test_a_session_of_before_a_password_change_is_told_to_sign_in(server, floor, cookie):
    floor.viewer.set_password("another long one")
    floor.viewer.save()
    with Client(server.url, headers={"Cookie": cookie, "Origin": OURS}) as client:
        assert client.closed_with() == 4401


def test_a_token_is_let_in_from_anywhere_and_cookies_count_for_nothing(server, floor, cookie):
    _, key = issue(floor.engineer, "a program")
    headers = {"Authorization": f"Token {key}", "Cookie": cookie, "Origin": "http://else.where"}
    with Client(server.url, headers=headers) as client:
        assert client.receive()["user"]["name"] == "engineer"


@pytest.mark.parametrize("header", ["Token nonsense", "Token", "Basic YTpi", "Bearer x", "x"])
def test_a_wrong_token_is_closed_even_beside_a_good_cookie(server, floor, cookie, header):
    headers = {"Authorization": header, "Cookie": cookie, "Origin": OURS}
    with Client(server.url, headers=headers) as client:
        assert client.closed_with() == 4401
        assert client.seen == []


@pytest.mark.parametrize("how", ["expired", "revoked", "disabled"])
def test_a_token_that_holds_no_more_is_closed(server, floor, how):
    token, key = issue(floor.viewer, "a program")
    past = timezone.now() - timedelta(seconds=1)
    if how == "disabled":
        floor.viewer.is_active = False
        floor.viewer.save()
    else:
        setattr(token, "expires_at" if how == "expired" else "revoked_at", past)
        token.save()
    with Client(server.url, headers={"Authorization": f"Token {key}"}) as client:
        assert client.closed_with() == 4401


def test_a_deleted_session_is_told_to_sign_in(server, floor, cookie):
    Session.objects.all().delete()
    with Client(server.url, headers={"Cookie": cookie, "Origin": OURS}) as client:
        assert client.closed_with() == 4401
        assert client.seen == []


def test_a_session_of_a_disabled_user_is_told_to_sign_in(server, floor, cookie):
    floor.viewer.is_active = False
    floor.viewer.save()
    with Client(server.url, headers={"Cookie": cookie, "Origin": OURS}) as client:
        assert client.closed_with() == 4401
        assert client.seen == []


@pytest.mark.parametrize("scopes", [[], ["production"], ["calls", "production"], ["tomorrow"]])
def test_a_token_that_may_not_read_is_told_so(server, floor, scopes):
    _, key = issue(floor.engineer, "a program", scopes=scopes)
    with Client(server.url, headers={"Authorization": f"Token {key}"}) as client:
        assert client.closed_with() == 4403
        assert client.seen == []


def test_a_token_with_lines_hears_of_those_that_its_user_sees_too(server, floor):
    _, key = issue(floor.engineer, "own", lines=["L-OWN"])
    _, both = issue(floor.viewer, "both", lines=["L-OWN", "L-FOREIGN"])
    _, foreign = issue(floor.viewer, "foreign", lines=["L-FOREIGN"])
    seen = {}
    for name, shown in (("own", key), ("both", both), ("foreign", foreign)):
        with Client(server.url, headers={"Authorization": f"Token {shown}"}) as client:
            seen[name] = set(client.subscribe("line", "all")["positions"])
            for type_, target in (("line", "L-FOREIGN"), ("equipment", "M.FOREIGN")):
                client.send("subscribe", subscription_type=type_, target_id=target)
                assert client.expect("error")["code"] == "INVALID_TARGET"
    own = {"L-OWN", "plant"}
    assert seen == {"own": own, "both": own, "foreign": {"plant"}}
    with server.client(floor.engineer) as control:
        assert set(control.subscribe("line", "all")["positions"]) == own | {"L-FOREIGN"}


def test_without_a_credential_it_is_closed_and_one_in_the_url_is_none(floor):
    _, key = issue(floor.viewer, "a program")
    with serving(replace(LIMITS, ticket_s=0.2)) as server:
        for url in (server.url, f"{server.url}?token={key}"):
            with Client(url) as client:
                assert client.closed_with() == 4408
                assert client.seen == []
            with Client(url) as client:
                client.send("subscribe", subscription_type="line", target_id="all")
                assert client.closed_with() == 4401
                assert client.seen == []


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [([], None), (["ms5.v1"], "ms5.v1"), (["ms5.v9", "ms5.v1"], "ms5.v1")],
)
def test_the_best_protocol_offered_is_chosen(server, floor, offered, chosen):
    with server.client(floor.viewer, subprotocols=offered) as client:
        assert client.connection.subprotocol == chosen
        assert client.receive()["protocol"] == "ms5.v1"


def test_an_unknown_protocol_is_accepted_so_that_its_refusal_can_be_read(server, floor):
    with server.client(floor.viewer, subprotocols=["ms5.v9", "other"]) as client:
        assert client.connection.subprotocol == "ms5.v9"
        assert client.closed_with() == 4406


def test_another_path_is_no_socket(server, floor):
    with pytest.raises(InvalidStatus) as refused, Client(server.url + "/more"):
        pass
    assert refused.value.response.status_code == 403
