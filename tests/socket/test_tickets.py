"""A ticket lets one socket in, from any origin, as long as the sign-in that made it holds."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from ms5.accounts.keys import issue
from ms5.accounts.models import ApiToken, Ticket
from tests import other_process
from tests.client import Client, Closed
from tests.socket.conftest import LIMITS, serving

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
ELSEWHERE = {"Origin": "https://kiosk.example"}


@pytest.fixture
def browser(floor):
    """The viewer's browser."""
    browser = Browser()
    browser.force_login(floor.viewer)
    return browser


def ticket_of(browser, **headers):
    answer = browser.post("/api/v1/ws-tickets/", headers=headers)
    assert answer.status_code == 201
    return answer.json()["ticket"]


def ticket_with(key):
    return ticket_of(Browser(headers={"Authorization": f"Token {key}"}))


def is_let_in(client):
    """Whether the first that is heard is the welcome, and not 4401."""
    try:
        return client.receive()["type"] == "connection_established"
    except Closed as closed:
        return closed.code != 4401


def came_in(client, ticket):
    client.send("auth", ticket=ticket)
    return client.expect("connection_established")


@pytest.mark.parametrize(
    "headers", [{}, ELSEWHERE, {"Origin": "null"}, {"Cookie": "theme=dark"}]
)
def test_a_ticket_opens_a_socket_from_any_origin(server, floor, browser, headers):
    with Client(server.url, headers=headers) as client:
        established = came_in(client, ticket_of(browser))
        assert established["user"] == {"id": floor.viewer.pk, "name": "viewer"}
        assert set(client.subscribe("line", "all")["positions"]) == {"L-OWN", "plant"}


def test_beside_a_cookie_from_elsewhere_there_is_no_waiting_for_a_ticket(server, browser):
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    headers = ELSEWHERE | {"Cookie": cookie}
    with pytest.raises(InvalidStatus) as refused, Client(server.url, headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_a_ticket_is_used_once(server, browser):
    ticket = ticket_of(browser)
    with Client(server.url) as first:
        came_in(first, ticket)
        with Client(server.url) as second:
            second.send("auth", ticket=ticket)
            assert second.closed_with() == 4401
            assert second.seen == []
        assert first.pong() == []


def test_of_two_sockets_that_show_it_at_once_in_two_processes_one_is_let_in(
    server, browser, tmp_path
):
    """The other process redeems on the same database while ours serves sockets."""
    tickets, go = [ticket_of(browser) for _ in range(6)], tmp_path / "go"
    program = (
        "import json, os, time\n"
        "from django.utils import timezone\n"
        "from realtime.auth import NotAuthenticated, sign_in_with_ticket\n"
        f"tickets = json.loads({json.dumps(json.dumps(tickets))})\n"
        "print('ready', flush=True)\n"
        "deadline = time.monotonic() + 30\n"
        f"while not os.path.exists({str(go)!r}) and time.monotonic() < deadline:\n"
        "    time.sleep(0.001)\n"
        "for ticket in tickets:\n"
        "    try:\n"
        "        print(sign_in_with_ticket(ticket).access.name, flush=True)\n"
        "    except NotAuthenticated:\n"
        "        print('refused', flush=True)\n"
    )
    other = other_process.start(program)
    assert other.stdout.readline() == "ready\n"
    clients = [Client(server.url) for _ in tickets]
    for client in clients:
        client.__enter__()
    try:
        go.touch()
        for client, ticket in zip(clients, tickets, strict=True):
            client.send("auth", ticket=ticket)
        here = ["viewer" if is_let_in(client) else "refused" for client in clients]
    finally:
        for client in clients:
            client.__exit__(None, None, None)
    _, out, _ = other_process.finish(other)
    both = list(zip(here, out.split(), strict=True))
    assert set(both) <= {("viewer", "refused"), ("refused", "viewer")}
    assert len(both) == 6


def test_of_many_sockets_that_show_it_at_once_one_is_let_in(server, browser):
    ticket, came, refused = ticket_of(browser), [], []
    start = threading.Barrier(5)

    def show():
        with Client(server.url) as client:
            start.wait(10)
            client.send("auth", ticket=ticket)
            (came if is_let_in(client) else refused).append(1)

    threads = [threading.Thread(target=show) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(came), len(refused)) == (1, 4)


@pytest.mark.parametrize("how", ["wrong", "expired", "empty", "a token"])
def test_a_ticket_that_is_none_is_told_to_sign_in(server, floor, browser, how):
    ticket = ticket_of(browser)
    match how:
        case "wrong":
            ticket = ticket[:-1]
        case "expired":
            Ticket.objects.update(expires_at=timezone.now())
        case "empty":
            ticket = ""
        case "a token":
            ticket = issue(floor.viewer, "a program")[1]
    with Client(server.url) as client:
        client.send("auth", ticket=ticket)
        assert client.closed_with() == 4401
        assert client.seen == []


@pytest.mark.parametrize("how", ["logout", "expired", "password", "deleted", "disabled"])
def test_a_ticket_of_a_sign_in_that_is_over_lets_nobody_in(server, floor, browser, how):
    ticket = ticket_of(browser)
    match how:
        case "logout":
            browser.logout()
        case "expired":
            Session.objects.update(expire_date=timezone.now())
        case "password":
            floor.viewer.set_password("another long one")
            floor.viewer.save()
        case "deleted":
            floor.viewer.delete()
        case "disabled":
            floor.viewer.is_active = False
            floor.viewer.save()
    with Client(server.url) as client:
        client.send("auth", ticket=ticket)
        assert client.closed_with() == (4403 if how == "disabled" else 4401)
        assert client.seen == []


@pytest.mark.parametrize("how", ["revoked", "expired", "scope"])
def test_a_ticket_of_a_token_that_holds_no_more_lets_nobody_in(server, floor, how):
    _, key = issue(floor.viewer, "a kiosk")
    ticket = ticket_with(key)
    past = timezone.now() - timedelta(seconds=1)
    changed = {"revoked": "revoked_at", "expired": "expires_at"}
    ApiToken.objects.update(**({"scopes": []} if how == "scope" else {changed[how]: past}))
    with Client(server.url) as client:
        client.send("auth", ticket=ticket)
        assert client.closed_with() == (4403 if how == "scope" else 4401)


def test_the_lines_of_the_token_are_those_of_its_ticket(server, floor):
    _, key = issue(floor.engineer, "a kiosk", lines=["L-OWN"])
    with Client(server.url) as client:
        came_in(client, ticket_with(key))
        assert set(client.subscribe("line", "all")["positions"]) == {"L-OWN", "plant"}


def test_a_connection_by_ticket_ends_with_the_session_that_made_it(server, floor, browser):
    ticket = ticket_of(browser)
    with Client(server.url) as client, server.client(floor.viewer) as control:
        came_in(client, ticket)
        control.receive()
        browser.logout()
        assert client.closed_with() == 4401
        assert control.pong() == []


def test_a_connection_by_ticket_ends_with_the_token_that_made_it(server, floor):
    token, key = issue(floor.viewer, "a kiosk")
    with Client(server.url) as client, server.client(floor.viewer) as control:
        came_in(client, ticket_with(key))
        control.receive()
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
        assert client.closed_with() == 4401
        assert control.pong() == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"ping"}',
        '{"type":"subscribe","subscription_type":"line","target_id":"all"}',
        '{"type":"auth"}',
        '{"type":"auth","ticket":null}',
        '{"type":"auth","ticket":7}',
        "nonsense",
        "[]",
        '{"type":"auth","ticket":"' + "x" * 600 + '"}',
        b"\x00\x01",
    ],
)
def test_any_other_first_frame_is_told_to_sign_in(server, browser, frame):
    with Client(server.url) as client:
        client.connection.send(frame)
        assert client.closed_with() == 4401
        assert client.seen == []


def test_a_first_frame_above_one_kib_is_not_read_even_with_a_good_ticket(server, browser):
    with Client(server.url) as client:
        client.send("auth", ticket=ticket_of(browser), more=["x" * 100] * 10)
        assert client.closed_with() == 4401
    assert Ticket.objects.get().used_at is None


def test_who_shows_nothing_in_time_is_told_so_and_its_place_is_free_again(floor, browser):
    with serving(replace(LIMITS, ticket_s=0.5, tickets_waiting=10)) as server:
        with Client(server.url) as first, Client(server.url) as second:
            with Client(server.url) as third:
                assert third.closed_with() == 4503
            assert [first.closed_with(), second.closed_with()] == [4408, 4408]
        with Client(server.url) as client:
            came_in(client, ticket_of(browser))


def test_who_leaves_while_it_waits_frees_its_place(floor, browser):
    with serving(replace(LIMITS, tickets_waiting=1)) as server:
        for _ in range(3):
            with Client(server.url):
                pass
        with Client(server.url) as client:
            came_in(client, ticket_of(browser))


def test_those_who_wait_do_not_keep_out_who_has_a_credential(floor):
    with (
        serving(replace(LIMITS, tickets_waiting=1)) as server,
        Client(server.url),
        server.client(floor.viewer) as client,
    ):
        assert client.receive()["user"]["name"] == "viewer"


def test_a_ticket_on_a_connection_that_is_signed_in_is_refused(server, floor, browser):
    ticket = ticket_of(browser)
    with server.client(floor.engineer) as client:
        client.send("auth", ticket=ticket)
        assert client.expect("error")["code"] == "AUTH_FAILED"
        assert client.pong() == []
    assert Ticket.objects.get().used_at is None
