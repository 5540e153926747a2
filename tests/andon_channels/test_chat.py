"""Chat and SMS through Apprise against a real receiver; its kinds that reach inward are refused."""

import json

import pytest

from andon.notify import chat
from andon.notify.allowed import allowed_of
from andon.notify.message import Message, NotSent, Refused
from tests.andon_channels.servers import LOOPBACK, free_port, http_receiver

HERE = allowed_of(["127.0.0.0/8"])
MESSAGE = Message("17:4:apprise", "Critical: oven", "What: the oven.\nGrüße <b>{{x}}</b>")


@pytest.fixture
def receiver():
    with http_receiver() as one:
        one.status = 200
        yield one


def address(receiver, kind="json", rest="/chat"):
    return f"{kind}://{LOOPBACK}:{receiver.port}{rest}"


def test_a_message_arrives_as_it_is(receiver):
    chat.send(MESSAGE, address=address(receiver), allowed=HERE, deadline_s=30)
    (taken,) = receiver.taken
    said = json.loads(taken.body)
    assert (taken.path.rstrip("/"), said["title"], said["message"]) == (
        "/chat",
        MESSAGE.subject,
        MESSAGE.text,
    )


def test_a_service_that_does_not_take_it_is_tried_again(receiver):
    receiver.status = 503
    with pytest.raises(NotSent, match="503"):
        chat.send(MESSAGE, address=address(receiver), allowed=HERE, deadline_s=30)
    gone = f"json://{LOOPBACK}:{free_port()}/"
    with pytest.raises(NotSent):
        chat.send(MESSAGE, address=gone, allowed=HERE, deadline_s=30)


def test_a_service_that_hangs_is_ended_at_the_deadline(receiver):
    receiver.hang = True
    with pytest.raises(NotSent, match="no answer within 3 s"):
        chat.send(MESSAGE, address=address(receiver), allowed=HERE, deadline_s=3)


def test_a_redirect_is_not_followed_even_where_the_address_asks_for_it(receiver):
    with http_receiver() as inward:
        receiver.status, receiver.location = 307, inward.url("/secret")
        with pytest.raises(NotSent):
            chat.send(
                MESSAGE,
                address=address(receiver, rest="/?redirect=yes"),
                allowed=HERE,
                deadline_s=30,
            )
        assert inward.taken == []


def test_nothing_inward_is_reached_by_address_or_by_name(receiver):
    nobody = allowed_of([])
    with pytest.raises(Refused, match="not among the allowed"):
        chat.check(address(receiver), allowed=nobody)
    by_name = f"json://localhost:{receiver.port}/"
    with pytest.raises(NotSent):
        chat.send(MESSAGE, address=by_name, allowed=nobody, deadline_s=30)
    assert receiver.taken == []


@pytest.mark.parametrize(
    "kind", ["dbus", "KDE", "gnome", "syslog", "rsyslog", "macosx", "windows", "mailto"]
)
def test_kinds_that_lead_to_no_chat_are_refused(kind):
    with pytest.raises(Refused, match="is not taken"):
        chat.check(f"{kind}://localhost", allowed=HERE)


@pytest.mark.parametrize(
    "text", ["", "hello", "nosuch://x", "slack://too/short", "file:///etc/x"]
)
def test_an_address_of_no_known_form_is_refused(text):
    with pytest.raises(Refused):
        chat.check(text, allowed=HERE)


def test_an_address_of_a_known_form_is_taken_without_a_word_to_anybody(receiver):
    chat.check(address(receiver), allowed=HERE)
    token = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    chat.check(f"slack://{token}/#andon", allowed=allowed_of([]))
    assert receiver.taken == []


def test_of_an_address_only_its_kind_is_shown():
    assert chat.masked("tgram://123456:secret/99") == "tgram://..."
    assert chat.masked("secret") == "..."
